import { createHmac } from 'node:crypto';
import { CREDENTIAL_HEADERS } from '../openai/credential-headers.ts';
import type { HeaderOf } from './access.ts';

// An HMAC costs as much as the rest of a hit's policies together (measured: an eighth of it), and few credentials make
// most calls.
const REMEMBERED = 1_000;
const LONGEST = 2_000;

/** The scope of requests without any credential. */
export const ANONYMOUS = 'anonymous';

/**
 * Who may be served an entry. A scope is an HMAC-SHA-256 under the install secret of the credential, its organization and
 * its project, in base64url: the credential cannot be recovered from it, and it says nothing on another installation.
 */
export class Scopes {
  readonly #secret: Buffer;
  readonly #known = new Map<string, string>();
  /** What a head that is kept says need not be looked for again. */
  readonly #byHead = new WeakMap<HeaderOf, string>();

  constructor(installSecret: Buffer) {
    this.#secret = installSecret;
  }

  /** The scope of a request, whose headers are read by lower-case name; {@link ANONYMOUS} where it has no credential at all. */
  of(header: HeaderOf): string {
    let scope = this.#byHead.get(header);
    if (scope === undefined) {
      scope = this.#read(header);
      this.#byHead.set(header, scope);
    }
    return scope;
  }

  #read(header: HeaderOf): string {
    const marks = CREDENTIAL_HEADERS.map((name) => header(name));
    return marks.every((mark) => mark === undefined) ? ANONYMOUS : this.#seal(JSON.stringify(marks));
  }

  /** The scope of a group that shares entries, such as a tenant. Never the scope of a credential. */
  shared(kind: 'verified' | 'tenant' | 'key' | 'all', name = ''): string {
    return this.#seal(`${kind} ${name}`);
  }

  /** JSON arrays and the words of {@link shared} never share a text, and neither do two of one kind. */
  #seal(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const scope = createHmac('sha256', this.#secret).update(text).digest('base64url');
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    if (text.length <= LONGEST) this.#known.set(text, scope);
    return scope;
  }
}
