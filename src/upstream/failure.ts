import { messageOf, RepriseError } from '../shared/errors.ts';

/** When in a call a failure came: before the request began to be written, before the answer's head was there, or after. */
export type Stage = 'unsent' | 'before-answer' | 'in-answer';

/**
 * What was thrown by the HTTP client as an error a client can be told of. `origin` is shown, and is without secrets;
 * `proxied` is whether the call may have gone through a proxy.
 */
export function failureOf(thrown: unknown, origin: string, stage: Stage, proxied = false): RepriseError {
  const code = codeOf(thrown);
  if (isUnsendable(code, stage)) {
    return new RepriseError('invalid_request', `The request cannot be sent on: ${messageOf(thrown)}.`, {
      cause: thrown,
    });
  }
  if (TIMEOUTS.has(code)) {
    const what =
      code === 'UND_ERR_BODY_TIMEOUT' ? 'sent nothing more for too long' : 'did not answer in time';
    return new RepriseError(
      'upstream_timeout',
      `The upstream ${origin} ${what}. Its waiting times are the settings upstreams.*.timeouts.`,
      { cause: thrown },
    );
  }
  if (stage === 'in-answer') {
    return new RepriseError(
      'upstream_unreachable',
      `The upstream ${origin} broke off its answer before it was complete (${code}).`,
      { cause: thrown },
    );
  }
  const proxies = proxied ? ', and the proxies that the environment names (HTTPS_PROXY, NO_PROXY)' : '';
  return new RepriseError(
    'upstream_unreachable',
    `The upstream ${origin} cannot be reached: ${reasonOf(code)}. Check that it runs and that the setting base_url is right${proxies}.`,
    { cause: thrown },
  );
}

/** Whether it is the client's doing: a header that may not be sent, a body of another length than it said. */
function isUnsendable(code: string, stage: Stage): boolean {
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') return true;
  return code === 'UND_ERR_INVALID_ARG' && stage === 'unsent';
}

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

function reasonOf(code: string): string {
  if (code.startsWith('ERR_SSL_')) return `TLS could not be agreed on (${code})`;
  if (code.startsWith('HPE_')) return `what it answered is no HTTP (${code})`;
  return REASONS.get(code) ?? code;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'nothing listens there'],
  ['ENOTFOUND', 'its host name is unknown'],
  ['EAI_AGAIN', 'the name service does not answer'],
  ['EHOSTUNREACH', 'there is no way to its host'],
  ['ENETUNREACH', 'there is no way to its network'],
  ['ECONNRESET', 'it closed the connection before it answered'],
  ['EPIPE', 'it closed the connection before it answered'],
  ['UND_ERR_SOCKET', 'it closed the connection before it answered'],
  // Undici's parser, where its own code is missing.
  ['HTTPParserError', 'what it answered is no HTTP'],
  // What its parser says of a status below 100.
  ['ERR_ASSERTION', 'what it answered is no HTTP'],
  ['UND_ERR_HEADERS_OVERFLOW', 'the headers of its answer are too large'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is signed by an unknown authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is signed by an unknown authority'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host'],
  // What undici makes of a 407, of a refused tunnel and of one that breaks.
  ['UND_ERR_INVALID_ARG', 'the proxy before it wants other credentials'],
  ['UND_ERR_ABORTED', 'the proxy before it refuses to connect to it'],
  ['UND_ERR_PRX_CONN', 'the proxy before it broke the connection'],
]);

/** The error's code, its cause's, or of several addresses tried the first one's. */
function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'unknown error';
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return codeOf(thrown.errors[0]);
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return thrown.cause instanceof Error ? codeOf(thrown.cause) : thrown.name;
}
