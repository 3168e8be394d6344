import assert from 'node:assert/strict';
import type { Payload } from '../../src/cache/entry.ts';
import type { Bypass, Endpoint, Plan, PlanInput, Replay } from '../../src/endpoints/endpoint.ts';

/** A replay of what is stored, as it is. */
export const KEEP: Replay = { identity: 'keep', now: 0, newId: () => '' };

/** A replay with an identity of its own. */
export const FRESH: Replay = { identity: 'fresh', now: 1_790_000_000_000, newId: () => 'n'.repeat(24) };

/** What an endpoint plans for a JSON request; `more` is said of it beside its body. */
export function planOf(
  endpoint: Endpoint,
  body: string | object,
  more: Partial<PlanInput> = {},
): Plan | Bypass {
  return endpoint.plan({
    method: 'POST',
    params: new Map(),
    query: '',
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    header: (name) => (name === 'content-type' ? 'application/json' : undefined),
    dialect: 'generic',
    injectUsage: true,
    ...more,
  });
}

/** The plan where there is one. */
export function planned(endpoint: Endpoint, body: string | object, more: Partial<PlanInput> = {}): Plan {
  const plan = planOf(endpoint, body, more);
  return plan.kind === 'plan' ? plan : assert.fail(plan.reason);
}

/** What each of the parts is stored under. */
export function contentsOf(
  endpoint: Endpoint,
  body: string | object,
  more: Partial<PlanInput> = {},
): string[] {
  return planned(endpoint, body, more).parts.map(({ content }) => content);
}

/** What a plan takes an answer with status 200 for, to a call for all its parts or for those `asked`. */
export function take(plan: Plan, body: string | object, asked: readonly number[] = [...plan.parts.keys()]) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = [['content-type', 'application/json']] as const;
  return plan.takeApart({ status: 200, headers, body: Buffer.from(text) }, asked);
}

/** The payloads of an answer that can be taken apart. */
export function payloadsOf(plan: Plan, body: string | object, asked?: readonly number[]): readonly Payload[] {
  const taken = take(plan, body, asked);
  return taken.kind === 'parts' ? taken.payloads : assert.fail(JSON.stringify(taken));
}
