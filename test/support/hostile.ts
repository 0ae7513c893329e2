import fc from "fast-check";

/** Text that means something to a shell, to systemd's unit files, to handlebars or to nobody; no control characters. */
export const AWKWARD: readonly string[] = [
  "",
  " ",
  "  two  spaces  ",
  "-",
  "--flag=value",
  ";",
  "\\;",
  "\\",
  "ends with \\",
  "\\\\x41\\n\\t\\101\\u0041",
  '"',
  "'",
  'it\'s "both"',
  "%",
  "%%",
  "%n %i %h %H %u %t",
  "100%",
  "$",
  "$$",
  "$HOME",
  "${HOME}",
  "$(id)",
  "`id`",
  "{{app}} {{{app}}} {{#each x}}",
  "# no comment",
  "a=b=c",
  "@-:+!",
  "*?[a-z]~",
  "& | < > ( ) !",
  "héllo wörld ✓ 日本語 🙂",
  "\u0085\u00a0\u2028\u202e\ufeff",
  "x".repeat(20_000),
];

/** Random text that a unit file can hold: anything but control characters and noncharacters. */
export const fitText: fc.Arbitrary<string> = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('"', "'", "\\", "%", "$", "`", ";", "#", "=", ":", "{", "}", " ", "\u00e9"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    ),
    maxLength: 40,
  })
  .filter((text) => !/[\u0000-\u001f\u007f\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text));
