import { createHmac } from 'node:crypto';

/** The headers that say who asks: OpenAI's, Azure's (also through its API Management), Anthropic's and Google's custom. */
export const CREDENTIAL_HEADERS = [
  'authorization',
  'api-key',
  'x-api-key',
  'ocp-apim-subscription-key',
  'x-goog-api-key',
  'openai-organization',
  'openai-project',
] as const;

// An HMAC costs as much as the rest of a hit's policies together (measured: an eighth of it), and few credentials make
// most calls.
const REMEMBERED = 1_000;

/**
 * Who may be served an entry. A scope is an HMAC-SHA-256 under the install secret of the credential, its organization and
 * its project, in base64url: the credential cannot be recovered from it, and it says nothing on another installation.
 */
export class Scopes {
  readonly #secret: Buffer;
  readonly #known = new Map<string, string>();

  constructor(installSecret: Buffer) {
    this.#secret = installSecret;
  }

  /** The scope of a request, whose headers are read by lower-case name; `anonymous` where it has no credential at all. */
  of(header: (name: string) => string | undefined): string {
    const marks = CREDENTIAL_HEADERS.map((name) => header(name));
    if (marks.every((mark) => mark === undefined)) return 'anonymous';
    // JSON keeps the framing injective: no two lists of values share a text.
    const text = JSON.stringify(marks);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const scope = createHmac('sha256', this.#secret).update(text).digest('base64url');
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(text, scope);
    return scope;
  }
}
