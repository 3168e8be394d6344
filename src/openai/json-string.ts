import { fromByteText, toByteText } from './byte-text.ts';

/** What a JSON text is read from. */
export interface Source {
  readonly text: string;
  readonly spells: Spelled;
}

/** What a text spells: itself; or, as a byte text, ASCII, which is the same in both, or more of UTF-8. */
export type Spelled = 'itself' | 'ascii' | 'utf-8';

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
  readonly #source: Source;
  readonly #spelling: Spelling;
  #value: string | undefined;

  constructor(source: Source, start: number, end: number, spelling: Spelling) {
    this.start = start;
    this.end = end;
    this.#source = source;
    this.#spelling = spelling;
  }

  /** Unescaped. May hold a lone surrogate, which only an escape can bring. */
  get value(): string {
    const { text, spells } = this.#source;
    if (this.#spelling === 'plain' && spells !== 'utf-8') return text.slice(this.start + 1, this.end - 1);
    this.#value ??= this.#read();
    return this.#value;
  }

  /** Its value as `JSON.stringify` writes it, in which all spellings of it are one: a byte text where it stands in one. */
  get json(): string {
    const { text, spells } = this.#source;
    if (this.#spelling !== 'unusual') return text.slice(this.start, this.end);
    const json = JSON.stringify(this.value);
    return spells === 'itself' ? json : toByteText(json);
  }

  #read(): string {
    const { text, spells } = this.#source;
    const json = text.slice(this.start, this.end);
    const spelled = spells === 'utf-8' ? fromByteText(json) : json;
    return this.#spelling === 'plain' ? spelled.slice(1, -1) : String(JSON.parse(spelled));
  }
}

/**
 * How a string is written: `plain` without escapes, `usual` with none but those that `JSON.stringify` writes there, too (ECMA-262,
 * QuoteJSONString), `unusual` in any other way.
 */
type Spelling = 'plain' | 'usual' | 'unusual';

/** Reads the string whose opening quote stands at `start` in a text without raw lone surrogates; undefined if it is none. */
export function readString(source: Source, start: number): JsonString | undefined {
  const { text } = source;
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
  return text.charCodeAt(at) === QUOTE ? new JsonString(source, start, at + 1, spelling) : undefined;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

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
