/**
 * The trace id of a `traceparent` header (W3C Trace Context, §3.2): undefined for what the specification says is to be
 * ignored. A later version may say more after what is known of it.
 */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  if (traceparent === undefined) return undefined;
  const [, version, id, rest] = TRACEPARENT.exec(traceparent) ?? [];
  return version === '00' && rest !== undefined ? undefined : id;
}

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
