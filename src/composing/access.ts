import { adminToken } from '../config/admin-token.ts';
import type { Settings } from '../config/schema.ts';
import type { Environment } from '../config/secrets.ts';
import type { Access } from '../policy/access.ts';
import { AdminToken, keepingOut } from '../policy/admin-token.ts';
import { gatewayAccess } from '../policy/gateway.ts';
import { passthroughAccess } from '../policy/passthrough.ts';
import type { Scopes } from '../policy/scope.ts';
import { Verifications } from '../policy/verifications.ts';
import { mustParseCallPattern } from '../shared/call-pattern.ts';
import type { Cell } from '../shared/cell.ts';
import type { Clock } from '../shared/clock.ts';

/** What is in common with other threads. */
export interface AccessInCommon {
  /** Makes what is known of credentials that count for so long, in milliseconds. */
  readonly verifications?: (ttlMs: number) => Verifications;
  /** What the limit of a client's key counts with, by its place in the settings. */
  readonly fullAt?: (key: number) => Cell;
}

/** The admin token that the environment says; undefined where it says none. */
export function adminTokenOf(env: Environment): AdminToken | undefined {
  const token = adminToken(env);
  return token === undefined ? undefined : new AdminToken(token);
}

/** Who may ask the data plane, and whose entries they are served. The admin token is nobody's key there. */
export function accessOf(
  settings: Settings,
  scopes: Scopes,
  clock: Clock,
  token: AdminToken | undefined,
  inCommon: AccessInCommon = {},
): Access {
  const access = withoutToken(settings, scopes, clock, inCommon);
  return token === undefined ? access : keepingOut(token, access);
}

function withoutToken(
  { access }: Settings,
  scopes: Scopes,
  clock: Clock,
  { verifications, fullAt }: AccessInCommon,
): Access {
  if (access.mode === 'passthrough') {
    const verifies = access.share === 'verified';
    const known = verifications ?? ((ttlMs) => new Verifications(ttlMs, clock));
    return passthroughAccess(scopes, verifies ? known(access.verify_ttl) : undefined);
  }
  const keys = access.keys.map((key) => ({ ...key, allow: key.allow.map(mustParseCallPattern) }));
  return gatewayAccess(keys, access.share === 'all' ? 'all' : 'tenant', scopes, clock, fullAt);
}
