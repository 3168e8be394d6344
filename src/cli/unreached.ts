import { messageOf } from '../shared/errors.ts';

/** Why nothing came back from a server: what a `fetch` that failed says, whose own message says nothing. In words, with what to do. */
export function whyUnreached(url: string, thrown: unknown): string {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  // Node goes on behind a semicolon with what its own flags could do.
  const message = messageOf(cause).replace(/;.*$/s, '') || code;
  if (UNTRUSTED.test(code))
    return `The certificate of ${url} is not trusted: ${message}. NODE_EXTRA_CA_CERTS=FILE trusts its authority, and --url has to say a name that it is for.`;
  const why = code === 'ECONNREFUSED' ? 'the connection is refused' : message;
  const hint = code === 'UND_ERR_SOCKET' && url.startsWith('http:') ? ' Does it speak HTTPS?' : '';
  return `No server answers at ${url}: ${why}. Is it running?${hint} --url says where.`;
}

/** What Node calls it where a certificate cannot be verified (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const UNTRUSTED = /CERT|UNABLE_TO_(?:GET_ISSUER|VERIFY)/;
