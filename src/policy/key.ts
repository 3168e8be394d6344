import { hash } from 'node:crypto';
import type { Dialect } from '../openai/dialect.ts';

/** Everything that shapes an answer beside the part itself. */
export interface KeyContext {
  /** The lifetime policy's name. */
  readonly type: string;
  /** Empty for the default one. */
  readonly namespace: string;
  /** Whose entries these are. */
  readonly scope: string;
  /** Which of several samples; empty for the only one. */
  readonly variant: string;
  readonly method: string;
  readonly baseUrl: string;
  readonly dialect: Dialect;
  readonly path: string;
  /** As keyed, without `?`. */
  readonly query: string;
  /** The headers that shape the answer, sorted by name. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A key: see the entry's. */
export interface PartKey {
  readonly id: string;
  readonly shown: string;
  readonly type: string;
}

// Part of every key: a change in what is keyed, or how, must never find what was stored before it.
const FORMAT = 'reprise key 1';

/**
 * Gives what makes the keys of one request's parts: from a part's label (model or route) and its content. The context is
 * hashed once, since a batch has up to 2,048 parts. JSON frames the values: no two lists of them share a text.
 */
export function createKeyring(context: KeyContext): (label: string, content: string) => PartKey {
  const { type, namespace, scope, variant, method, baseUrl, dialect, path, query, headers } = context;
  const shared = digest(
    JSON.stringify([FORMAT, type, namespace, scope, variant, method, baseUrl, dialect, path, query, headers]),
  );
  const prefix = `${encode(type)}/${encode(namespace === '' ? 'default' : namespace)}/`;
  return (label, content) => {
    // A digest has a fixed length, so nothing needs to stand between it and the content.
    const id = digest(shared + content);
    return { id, shown: `${prefix}${encode(label)}/${id}`, type };
  };
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** A segment of a shown key: percent-encoded, so that it holds no slash and can stand in a header; `-` if there is none. */
function encode(segment: string): string {
  return segment === '' ? '-' : encodeURIComponent(segment.toWellFormed());
}
