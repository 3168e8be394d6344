import type { IncomingMessage } from 'node:http';
import { RepriseError } from '../shared/errors.ts';
import { namedByConnection } from '../upstream/headers.ts';

/** The headers of a message but those that its `connection` header keeps for this hop. */
export interface EndToEnd {
  /** A header by its lower-case name; several lines joined by `, ` (RFC 9110 §5.3). */
  readonly header: (name: string) => string | undefined;
  /** Name, value, name, value … as sent. */
  readonly rawHeaders: readonly string[];
}

/**
 * Reads a head's headers. What `connection` names is not forwarded (RFC 9110 §7.6.1), so nothing here may see it either: an
 * answer made without a credential must not be stored under it, nor one made without a header under a key that has it.
 * Throws `invalid_request` where it names a header without which the message would be another.
 */
export function endToEnd({ headersDistinct, rawHeaders }: IncomingMessage): EndToEnd {
  const named = namedByConnection(headersDistinct.connection ?? []);
  if (named.size === 0) return { header: (name) => headersDistinct[name]?.join(', '), rawHeaders };
  const needed = [...named].find((name) => OF_THE_MESSAGE.test(name));
  if (needed !== undefined) {
    throw new RepriseError('invalid_request', `connection names ${needed}, which is not for one hop alone.`, {
      param: 'connection',
    });
  }
  return {
    header: (name) => (named.has(name) ? undefined : headersDistinct[name]?.join(', ')),
    rawHeaders: rawHeaders.filter((_, at) => !named.has((rawHeaders[at - (at % 2)] ?? '').toLowerCase())),
  };
}

// Who is asked, and how the body is to be read. RFC 9110 §7.6.1 forbids senders to name what is meant for all recipients.
const OF_THE_MESSAGE = /^(?:host|cache-control|content-.*)$/;
