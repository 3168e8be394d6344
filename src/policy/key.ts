import { hash } from 'node:crypto';
import type { Dialect } from '../openai/dialect.ts';
import { segmentOf, shownKey } from '../shared/shown-key.ts';
import type { Header } from './shaping.ts';

/** Everything of a request but its body that decides which entry answers it. */
export interface KeyContext {
  /** The lifetime policy's name. */
  readonly type: string;
  /** Key space; empty for the default one, which is also called `default`. */
  readonly namespace: string;
  /** Who may be served the entry. */
  readonly scope: string;
  /** Which of several samples; empty for the only one. */
  readonly variant: string;
  /** Upper-case HTTP method. */
  readonly method: string;
  /** The upstream's base URL. */
  readonly baseUrl: string;
  readonly dialect: Dialect;
  /** The path as sent, without the query. */
  readonly path: string;
  /** What of the query shapes the answer. */
  readonly query: string;
  /** The headers that shape the answer, sorted by name. */
  readonly headers: readonly Header[];
}

/** A part's key: its address, what people see of it, and the lifetime policy it follows. */
export interface PartKey {
  /** SHA-256 in base64url, 43 characters. */
  readonly id: string;
  /** `type/namespace/label/id`, segments percent-encoded. */
  readonly shown: string;
  readonly type: string;
}

/**
 * Makes the keys of one request's parts. `label` is the model or the route and only shown; `content` is injective text of
 * what in the body shapes the part, well-formed UTF-16. The context is hashed once, each part costs one hash more.
 */
export function createKeyring(context: KeyContext): (label: string, content: string) => PartKey {
  const { type, scope, variant, method, baseUrl, dialect, path, query, headers } = context;
  // Asking for the default key space by the name it is shown under is asking for the same one.
  const namespace = context.namespace === '' ? DEFAULT_NAMESPACE : context.namespace;
  // JSON frames the values: no two lists of them share a text.
  const base = sha256(
    JSON.stringify([
      KEY_FORMAT,
      type,
      namespace,
      scope,
      variant,
      method,
      baseUrl,
      dialect,
      path,
      query,
      headers,
    ]),
  );
  const place = { type: segmentOf(type), namespace: segmentOf(namespace) };
  return (label, content) => {
    // The base has a fixed length, so nothing can be taken from one to the other.
    const id = sha256(base + content);
    return { id, shown: shownKey({ ...place, label: segmentOf(label) }, id), type };
  };
}

// Raised whenever equal requests would get other keys than before, or different ones the same.
const KEY_FORMAT = 'reprise key 2';

const DEFAULT_NAMESPACE = 'default';

function sha256(text: string): string {
  return hash('sha256', text, 'base64url');
}
