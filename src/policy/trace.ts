/** What a `traceparent` header says (W3C Trace Context, §3.2), ids in lower-case hexadecimal digits. */
export interface TraceParent {
  readonly traceId: string;
  /** The caller's span. */
  readonly id: string;
  /** Bit 0: sampled. Bit 1: the trace id is random. */
  readonly flags: number;
}

/** Reads a `traceparent` header: undefined for what the specification says is to be ignored. A later version may say more after what is known of it. */
export function readTraceparent(traceparent: string | undefined): TraceParent | undefined {
  if (traceparent === undefined) return undefined;
  const [, version, traceId, id, flags, rest] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || id === undefined || flags === undefined) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  return { traceId, id, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS };
}

/** The trace id of a `traceparent` header; undefined where {@link readTraceparent} reads none. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return readTraceparent(traceparent)?.traceId;
}

const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

// What a later version means by others is not known here, and so not said on (§2.2.2.5).
const KNOWN_FLAGS = 0b11;
