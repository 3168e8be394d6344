import { randomBytes } from 'node:crypto';

/** What belongs together for the proxy: all calls of one conversation, for its answers build on each other. */
export interface Thread {
  /** The header that says so (W3C Trace Context). */
  readonly traceparent: string;
  /** The ids of the articles that were looked up so far. */
  readonly articles: Set<string>;
}

/** Begins a conversation. */
export function newThread(): Thread {
  const [trace, span] = [randomBytes(16), randomBytes(8)].map((bytes) => bytes.toString('hex'));
  return { traceparent: `00-${trace}-${span}-01`, articles: new Set() };
}
