/** What a person allows a change to do that it would refuse otherwise. */
export interface Allowed {
  /** DNS may be left without any instance of an app. */
  readonly allowEmpty: boolean;
}
