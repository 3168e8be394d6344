import { WRONG_SIGNATURE } from './body-hmac.ts';
import { decodeDigest, hmacOf, isAmong } from './digest.ts';
import { memberName, withMember } from './payload-member.ts';
import type { Scheme, SchemeSettings } from './scheme.ts';
import { refusalOf } from './timestamp.ts';

/**
 * Stripe (docs.stripe.com/webhooks, "Verify webhook signatures manually"): `Stripe-Signature: t=…,v1=…`, where each `v1` is the
 * HMAC-SHA256 of `{t}.{body}` in hex, under the endpoint's secret as it is written. Like Stripe's own libraries it takes
 * what is dated ahead.
 */
export function stripe({ secret: secrets }: SchemeSettings): Scheme {
  return {
    verify({ header, body }, now) {
      const written = header(HEADER);
      if (written === undefined) return { kind: 'refused', why: `has no header ${HEADER}` };
      const items = written.split(',').map((item) => item.trim().split('=', 2));
      const timestamp = items.find(([name]) => name === 't')?.[1];
      if (timestamp === undefined) return { kind: 'refused', why: `has no timestamp in ${HEADER}` };
      const refusal = refusalOf(timestamp, now, TOLERANCE);
      if (refusal !== undefined) return { kind: 'refused', why: refusal };
      const given = items.flatMap(([name, value = '']) =>
        name === 'v1' ? (decodeDigest(value, 'hex') ?? []) : [],
      );
      const expected = secrets.map((secret) => hmacOf(secret, [`${timestamp}.`, body]));
      return isAmong(given, expected) ? { kind: 'genuine' } : WRONG_SIGNATURE;
    },
    event: (_delivery, payload) => memberName(payload, 'type'),
    id: (_delivery, payload) => memberName(payload, 'id'),
    sign({ event, id, payload, now }) {
      const [secret] = secrets;
      if (secret === undefined) return undefined;
      const body = withMember(withMember(payload, 'type', event), 'id', id);
      const timestamp = Math.floor(now / 1000);
      const signature = hmacOf(secret, [`${timestamp}.`, body]).toString('hex');
      return { body, headers: [[HEADER, `t=${timestamp},v1=${signature}`]] };
    },
  };
}

const HEADER = 'stripe-signature';
const TOLERANCE = { past: 300_000, future: Number.POSITIVE_INFINITY };
