import { createHash } from 'node:crypto';
import type { Events } from '../observe/events.ts';
import type { Node } from '../openai/json.ts';
import type { Clock } from '../shared/clock.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';
import type { Deliveries } from './deliveries.ts';
import type { Invalidator, Order } from './invalidator.ts';
import { readPayload } from './payload.ts';
import { type Rule, type RuleSettings, ruleOf } from './rules.ts';
import type { SchemeName } from './schemes/names.ts';
import type { Delivery, FetchJwks, Scheme, SchemeSettings } from './schemes/scheme.ts';
import { SCHEMES } from './schemes/table.ts';

/** A webhook of the profile. */
export interface WebhookSettings extends SchemeSettings {
  readonly scheme: SchemeName;
  readonly rules: readonly RuleSettings[];
}

/** What became of a delivery that was not refused. */
export interface Receipt {
  /** The sender's name for the delivery; ours, made of its content, where it has none. */
  readonly id: string;
  /** Whether a rule has been applied to it, now or, of a duplicate, before: not where it is for none, or says nothing that one could mean. */
  readonly accepted: boolean;
  /** Whether it is a repeat, for which nothing was done again. */
  readonly duplicate: boolean;
  readonly tags: readonly string[];
  /** Entries that were meant. */
  readonly invalidated: number;
}

/** What webhooks are made with. */
export interface WebhooksContext {
  readonly invalidator: Invalidator;
  readonly deliveries: Deliveries;
  readonly fetchJwks: FetchJwks;
  readonly clock: Clock;
  readonly events: Events;
}

/** The webhooks of the profile: from what came over the wire to what is invalidated. */
export class Webhooks {
  readonly #context: WebhooksContext;
  readonly #webhooks: ReadonlyMap<string, Webhook>;

  constructor(settings: ReadonlyMap<string, WebhookSettings>, context: WebhooksContext) {
    this.#context = context;
    this.#webhooks = new Map(
      [...settings].map(([name, { scheme, rules, ...rest }]) => [
        name,
        { scheme: SCHEMES[scheme](rest, context.fetchJwks), rules: rules.map(ruleOf) },
      ]),
    );
  }

  /** Whether the profile has a webhook of this name. */
  has(name: string): boolean {
    return this.#webhooks.has(name);
  }

  /**
   * Carries out what a delivery to the webhook `name` means. Resolves when that is durable. Throws `not_found`, `unauthorized` for a
   * delivery that is not genuine or too old, and `invalid_request` for one that cannot be read, which invalidates nothing.
   */
  async receive(name: string, delivery: Delivery): Promise<Receipt> {
    const webhook = this.#webhooks.get(name);
    if (webhook === undefined) throw new RepriseError('not_found', `There is no webhook ${name} here.`);
    const told = { kind: 'delivery', webhook: name } as const;
    const { events } = this.#context;
    try {
      const { event, receipt } = await this.#carryOut(name, webhook, delivery);
      const outcome = receipt.duplicate ? 'duplicate' : receipt.accepted ? 'accepted' : 'unmatched';
      events.emit({ ...told, event, outcome, invalidated: receipt.invalidated, why: undefined });
      return receipt;
    } catch (thrown) {
      const outcome = thrown instanceof RepriseError && thrown.status < 500 ? 'refused' : 'failed';
      events.emit({ ...told, event: undefined, outcome, invalidated: 0, why: messageOf(thrown) });
      throw thrown;
    }
  }

  async #carryOut(
    name: string,
    { scheme, rules }: Webhook,
    delivery: Delivery,
  ): Promise<{ readonly event: string; readonly receipt: Receipt }> {
    const { invalidator, deliveries, clock } = this.#context;
    const verdict = await scheme.verify(delivery, clock.now());
    if (verdict.kind === 'refused') throw new RepriseError('unauthorized', `This delivery ${verdict.why}.`);
    if (verdict.kind === 'ping') return { event: 'ping', receipt: { ...NOTHING, id: 'ping' } };
    const payload = readPayload(delivery.body);
    const event = scheme.event(delivery, payload);
    if (event === undefined)
      throw new RepriseError('invalid_request', 'This delivery does not say its event.');
    const ownId = scheme.id(delivery, payload);
    // Where a sender tells its deliveries in no way apart, the second of two equal ones may be of a second change; so it may where it
    // says but the second of sending.
    const fingerprint = fingerprintOf(ownId ?? '', event, delivery.body);
    const id = ownId ?? fingerprint;
    const concerned = rules.filter((rule) => rule.concerns(event));
    const orders = ordersOf(concerned, payload, name);
    if (orders.length === 0) return { event, receipt: { ...NOTHING, id } };
    if (ownId !== undefined && deliveries.has(name, fingerprint)) {
      return { event, receipt: { ...NOTHING, id, accepted: true, duplicate: true } };
    }
    const outcomes = await invalidator.invalidate(orders);
    if (ownId !== undefined) await this.#remember(name, fingerprint);
    const tags = [...new Set(orders.flatMap(({ condition }) => condition?.tags ?? []))];
    const invalidated = outcomes.reduce((sum, outcome) => sum + outcome.invalidated, 0);
    return { event, receipt: { id, accepted: true, duplicate: false, tags, invalidated } };
  }

  /** Only after its orders are durable, or a crash in between would lose them; and if it fails, they are durable all the same. */
  async #remember(name: string, fingerprint: string): Promise<void> {
    try {
      await this.#context.deliveries.remember(name, fingerprint);
    } catch (thrown) {
      const why = `a delivery could not be noted (${messageOf(thrown)}): a repeat would be carried out again`;
      this.#context.events.emit({ kind: 'degraded', what: 'webhook deliveries', why });
    }
  }
}

interface Webhook {
  readonly scheme: Scheme;
  readonly rules: readonly Rule[];
}

const NOTHING = { accepted: false, duplicate: false, tags: [], invalidated: 0 } as const;

/**
 * What is the same for all attempts at one delivery and different for any two others. The sender's id is not enough: WooCommerce gives one
 * id to all deliveries of a second, and others sign the body only, so that an old body could be sent under a new id.
 */
function fingerprintOf(name: string, event: string, body: Buffer): string {
  return createHash('sha256')
    .update(JSON.stringify([name, event]))
    .update(body)
    .digest('base64url');
}

function ordersOf(rules: readonly Rule[], payload: Node, name: string): readonly Order[] {
  const meant = rules.flatMap((rule) => rule.meaning(payload) ?? []);
  return meant.map((one) => ({ ...one, by: `webhook:${name}`, dryRun: false }));
}
