import type { Touches } from '../openai/objects.ts';
import type { Access, Caller, Entitlement, HeaderOf } from './access.ts';
import type { Scopes } from './scope.ts';
import type { Verifications } from './verifications.ts';

/**
 * Callers with credentials of the upstream's, which decides what they may: entries belong to the credential that paid for
 * them or, with `verifications`, to every credential that the upstream has lately taken for the same.
 */
export function passthroughAccess(scopes: Scopes, verifications?: Verifications): Access {
  return {
    identify(header) {
      const credential = scopes.of(header);
      return verifications === undefined
        ? new Owner(credential)
        : new Sharer(credential, scopes.shared('verified'), verifications);
    },
  };
}

/** A caller whose entries are its own. */
class Owner implements Caller, Entitlement {
  readonly scope: string;

  constructor(credential: string) {
    this.scope = credential;
  }

  get asker(): string {
    return this.scope;
  }

  get circle(): string {
    return this.scope;
  }

  visible(header: HeaderOf): HeaderOf {
    return header;
  }

  mayRelay(): void {}

  entitle(_touches: Touches): Entitlement {
    return this;
  }

  trusted(_realm: string): boolean {
    return true;
  }

  answered(_realm: string | undefined, _status: number): void {}
}

/** A caller who shares entries, once verified. What touches the upstream's account stays its own. */
class Sharer extends Owner {
  readonly #shared: string;
  readonly #verifications: Verifications;

  constructor(credential: string, shared: string, verifications: Verifications) {
    super(credential);
    this.#shared = shared;
    this.#verifications = verifications;
  }

  override entitle(touches: Touches): Entitlement {
    if (touches !== 'nothing') return this;
    return { scope: this.#shared, trusted: (realm) => this.#verifications.holds(this.asker, realm) };
  }

  override answered(realm: string | undefined, status: number): void {
    this.#verifications.answered(this.asker, realm, status);
  }
}
