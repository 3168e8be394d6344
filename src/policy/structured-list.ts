/**
 * The members of a structured field that is a list of strings (RFC 8941 §3.1), whatever their parameters; undefined for what
 * is none. In linear time: no two parts of the expression can take the same character.
 */
export function parseStringList(field: string): readonly string[] | undefined {
  const text = field.replace(/^ +/, '');
  if (/^ *$/.test(text)) return [];
  const members: string[] = [];
  let at = 0;
  for (;;) {
    MEMBER.lastIndex = at;
    const match = MEMBER.exec(text);
    if (match === null) return undefined;
    members.push((match[1] ?? '').replaceAll(/\\(.)/g, '$1'));
    at = MEMBER.lastIndex;
    // Only spaces may stand at the end, tabs too before a comma.
    if (/^ *$/.test(text.slice(at))) return members;
    SEPARATOR.lastIndex = at;
    if (!SEPARATOR.test(text)) return undefined;
    at = SEPARATOR.lastIndex;
  }
}

// RFC 8941 §3.3.3, §3.1.2 and §3.3, with the dates and texts that RFC 9651 §3.3 adds.
const CHARACTERS = String.raw`(?:[ !#-[\]-~]|\\["\\])*`;
const NUMBER = String.raw`-?(?:\d{1,12}\.\d{1,3}|\d{1,15})`;
const TOKEN = String.raw`[A-Za-z*][!#$%&'*+.^_\`|~0-9A-Za-z:/-]*`;
const BYTES = `:[A-Za-z0-9+/=]*:`;
const BOOLEAN = String.raw`\?[01]`;
const DATE = String.raw`@-?\d{1,15}`;
const TEXT = `%"(?:[ !#$&-~]|%[0-9a-f]{2})*"`;
const VALUE = [`"${CHARACTERS}"`, NUMBER, TOKEN, BYTES, BOOLEAN, DATE, TEXT].join('|');
const MEMBER = new RegExp(`"(${CHARACTERS})"(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:${VALUE}))?)*`, 'y');
const SEPARATOR = /[ \t]*,[ \t]*/y;
