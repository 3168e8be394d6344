import type { Settings } from '../config/schema.ts';
import type { Access } from '../policy/access.ts';
import { type AdminToken, keepingOut } from '../policy/admin-token.ts';
import { gatewayAccess } from '../policy/gateway.ts';
import { passthroughAccess } from '../policy/passthrough.ts';
import type { Scopes } from '../policy/scope.ts';
import { Verifications } from '../policy/verifications.ts';
import { mustParseCallPattern } from '../shared/call-pattern.ts';
import type { Clock } from '../shared/clock.ts';

/** Who may ask the data plane, and whose entries they are served. The admin token is nobody's key there. */
export function accessOf(
  settings: Settings,
  scopes: Scopes,
  clock: Clock,
  token: AdminToken | undefined,
): Access {
  const access = withoutToken(settings, scopes, clock);
  return token === undefined ? access : keepingOut(token, access);
}

function withoutToken({ access }: Settings, scopes: Scopes, clock: Clock): Access {
  if (access.mode === 'passthrough') {
    const verifies = access.share === 'verified';
    return passthroughAccess(scopes, verifies ? new Verifications(access.verify_ttl, clock) : undefined);
  }
  const keys = access.keys.map((key) => ({ ...key, allow: key.allow.map(mustParseCallPattern) }));
  return gatewayAccess(keys, access.share === 'all' ? 'all' : 'tenant', scopes, clock);
}
