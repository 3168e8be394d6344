import { hash, timingSafeEqual } from 'node:crypto';
import { CREDENTIAL_HEADERS, protocolKey } from '../openai/credential-headers.ts';
import { RepriseError } from '../shared/errors.ts';
import type { Access, HeaderOf } from './access.ts';

/** What an admin token looks like. A comma would part it in a header of several lines. */
export const TOKEN_PATTERN = /^[\x21-\x2b\x2d-\x7e]{16,}$/;

/** The same in words, for a message. */
export const TOKEN_EXPECTED =
  'at least 16 visible ASCII characters without a comma, such as openssl rand -hex 32 prints';

/** The token that opens the control plane. Of the text itself nothing is kept. */
export class AdminToken {
  readonly #digest: Buffer;
  readonly #length: number;

  constructor(token: string) {
    this.#digest = digestOf(token);
    this.#length = token.length;
  }

  /** Whether `presented` is the token. How long that takes says nothing of how much of it is right. */
  is(presented: string): boolean {
    // Digests have one length, which timingSafeEqual asks for, and nobody can choose where they begin to differ.
    return timingSafeEqual(digestOf(presented), this.#digest);
  }

  /** Whether the token stands anywhere in the headers that say who asks, alone or among others. */
  carriedBy(header: HeaderOf): boolean {
    if (this.#isIn(protocolKey(header('sec-websocket-protocol')))) return true;
    return CREDENTIAL_HEADERS.some((name) => this.#isIn(header(name)));
  }

  /** Whether it is one of the words of a text, or what stands there between quotation marks or behind an equals sign. */
  #isIn(text: string | undefined): boolean {
    if (text === undefined || text.length < this.#length) return false;
    // It may have such signs itself. Its length is no secret, and most credentials have another: they cost no digest.
    const words = [...text.split(/[\s,]+/), ...(/["=;]/.test(text) ? text.split(/[\s,"=;]+/) : [])];
    return words.some((word) => word.length === this.#length && this.is(word));
  }
}

/** The same access, closed to requests that carry the admin token: an upstream must never see it. */
export function keepingOut(token: AdminToken, access: Access): Access {
  return {
    identify(header) {
      if (!token.carriedBy(header)) return access.identify(header);
      throw new RepriseError(
        'unauthorized',
        'This is the admin token, which opens the control plane and nothing else. It was not passed on. Send an API key here.',
        { param: 'authorization' },
      );
    },
  };
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
