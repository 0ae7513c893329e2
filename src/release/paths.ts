/** Where things of an app lie on its hosts. One place, so that scripts, units and facts cannot disagree. */

/** Name of the systemd unit, without `.service`; also the app's user (at most 31 characters, as useradd wants it). */
export function unitName(app: string): string {
  return `drover-${app}`;
}

/** The unpacked artifact of a release. */
export function releaseDirectory(app: string, release: string): string {
  return `/opt/drover/${app}/releases/${release}`;
}

/** A secret of a release, readable by root alone; systemd hands it to the app. */
export function credentialPath(app: string, release: string, name: string): string {
  return `/var/lib/drover/credentials/${app}/${release}/${name}`;
}
