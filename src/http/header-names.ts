import type { IncomingMessage } from 'node:http';
import { RepriseError } from '../shared/errors.ts';

/**
 * Whether a header is called as something that every object has, such as `__proto__`: before 22.22.2 and 24.14.1 Node's own readers of
 * headers throw for it what nobody expects (measured: the process ended).
 */
export function namesMember({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): boolean {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name in Object.prototype || name.toLowerCase() in Object.prototype) return true;
  }
  return false;
}

/** What a request with such a header is told. */
export function nameNotTaken(): RepriseError {
  return new RepriseError('invalid_request', 'A header has a name that is not taken, such as __proto__.');
}
