/**
 * A JSON string (RFC 8259 §7) where it stands in a text. It is unescaped only when somebody asks for its value: most strings are
 * only compared with others.
 */
export class JsonString {
  readonly kind = 'string';
  /** Offset of its opening quote. */
  readonly start: number;
  /** The offset after its closing quote. */
  readonly end: number;
  readonly #text: string;
  readonly #spelling: Spelling;
  #value: string | undefined;

  constructor(text: string, start: number, end: number, spelling: Spelling) {
    this.start = start;
    this.end = end;
    this.#text = text;
    this.#spelling = spelling;
  }

  /** Unescaped. May hold a lone surrogate, which only an escape can bring. */
  get value(): string {
    if (this.#spelling === 'plain') return this.#text.slice(this.start + 1, this.end - 1);
    this.#value ??= String(JSON.parse(this.#text.slice(this.start, this.end)));
    return this.#value;
  }

  /** Its value as `JSON.stringify` writes it, in which all spellings of it are one. */
  get json(): string {
    return this.#spelling === 'unusual' ? JSON.stringify(this.value) : this.#text.slice(this.start, this.end);
  }
}

/**
 * How a string is written: `plain` without escapes, `usual` with none but those that `JSON.stringify` writes there, too (ECMA-262,
 * QuoteJSONString), `unusual` in any other way.
 */
type Spelling = 'plain' | 'usual' | 'unusual';

/** Reads the string whose opening quote stands at `start` in a text without raw lone surrogates; undefined if it is none. */
export function readString(text: string, start: number): JsonString | undefined {
  let spelling: Spelling = 'plain';
  let at = stop(text, start + 1);
  while (text.charCodeAt(at) === BACKSLASH) {
    const code = text.charCodeAt(at + 1);
    if (isShort(code)) {
      if (spelling === 'plain') spelling = 'usual';
      at = stop(text, at + 2);
    } else {
      spelling = 'unusual';
      if (code === LETTER_U && !HEX.test(text.slice(at + 2, at + 6))) return undefined;
      if (code !== LETTER_U && code !== SLASH) return undefined;
      at = stop(text, at + (code === LETTER_U ? 6 : 2));
    }
  }
  return text.charCodeAt(at) === QUOTE ? new JsonString(text, start, at + 1, spelling) : undefined;
}

/** The JSON text of a string that is no part of a text, short as names are: faster than `JSON.stringify` (measured). */
export function quoted(value: string): string {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return JSON.stringify(value);
  }
  return `"${value}"`;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const TILDE = 0x7e;

/** Whether `\` with this character is an escape, and the one that `JSON.stringify` writes. */
function isShort(code: number): boolean {
  switch (code) {
    case QUOTE:
    case BACKSLASH:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return true;
    default:
      return false;
  }
}

const HEX = /^[\dA-Fa-f]{4}$/;

/** The first place from `from` on where a string ends, holds an escape or holds what it must not; else the text's end. */
function stop(text: string, from: number): number {
  const near = from + NEAR;
  for (let at = from; at < near; at += 1) {
    const code = text.charCodeAt(at);
    // Not a number past the end, which no comparison finds true.
    if (!(code >= SPACE && code !== QUOTE && code !== BACKSLASH)) return at;
  }
  STOP.lastIndex = near;
  return STOP.test(text) ? STOP.lastIndex - 1 : text.length;
}

// Quotes, backslashes and control characters. V8 looks at many characters at once; for the first few a loop is faster (measured).
const STOP = /[^ !#-[\]-\uffff]/g;
const NEAR = 32;
