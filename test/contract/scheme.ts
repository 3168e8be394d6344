import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SchemeName } from '../../src/invalidation/schemes/names.ts';
import type { Scheme, SchemeSettings, Verdict } from '../../src/invalidation/schemes/scheme.ts';
import { deliveryOf, NOW, payloadOf, schemeOf, signed } from '../support/deliveries.ts';

/** A scheme under test. */
export interface SchemeCase {
  readonly title: string;
  readonly scheme: SchemeName;
  readonly settings?: Omit<SchemeSettings, 'secret'>;
  /** Two secrets of the form that the scheme has. */
  readonly secrets: readonly [string, string];
  /** The header with the signature or the token. */
  readonly proof: string;
  /** Whether the proof is of the body; a token is not. */
  readonly signsBody: boolean;
  /** How many seconds a delivery may be old and ahead; undefined where no time is told. */
  readonly tolerance?: { readonly past: number; readonly future: number };
  /** Whether deliveries have an id. */
  readonly hasId: boolean;
}

/** What holds for every scheme. */
export function testScheme(given: SchemeCase): void {
  const { title, secrets, proof, tolerance } = given;
  const [secret, other] = secrets;
  const make = (...all: string[]): Scheme => schemeOf(given.scheme, { ...given.settings, secret: all });
  const scheme = make(secret);
  const good = signed(scheme);
  const verdict = async (
    checker: Scheme,
    headers = good.headers,
    body: string | Buffer = good.body,
    now = NOW,
  ) => await checker.verify(deliveryOf(headers, body), now);

  test(`${title}: what its sender signs is genuine, with its event and id`, async () => {
    assert.equal((await verdict(scheme)).kind, 'genuine');
    const delivery = deliveryOf(good.headers, good.body);
    const payload = payloadOf(good.body);
    assert.equal(scheme.event(delivery, payload), 'products/update');
    assert.equal(scheme.id(delivery, payload), given.hasId ? 'delivery-1' : undefined);
  });

  if (given.signsBody) {
    test(`${title}: an altered body is refused, by one bit, one byte more or one less`, async () => {
      const body = Buffer.from(good.body);
      const flipped = Buffer.from(body);
      flipped.writeUInt8(flipped.readUInt8(3) ^ 1, 3);
      for (const altered of [
        flipped,
        Buffer.concat([body, Buffer.from(' ')]),
        body.subarray(1),
        Buffer.alloc(0),
      ]) {
        refused(await verdict(scheme, good.headers, altered));
      }
    });
  }

  test(`${title}: another secret is refused`, async () => {
    refused(await verdict(make(other)));
  });

  test(`${title}: without any secret nothing is genuine`, async () => {
    refused(await verdict(make()));
    assert.equal(make().sign({ event: 'e', id: 'i', payload: '{}', now: NOW }), undefined);
  });

  test(`${title}: while secrets are changed either will do`, async () => {
    for (const rotating of [make(secret, other), make(other, secret)]) {
      assert.equal((await verdict(rotating)).kind, 'genuine');
    }
    const renewed = signed(make(other, secret));
    assert.equal((await verdict(make(other), renewed.headers, renewed.body)).kind, 'genuine');
  });

  test(`${title}: without the header that proves it, it is refused, and that header is named`, async () => {
    const { [proof]: _, ...headers } = good.headers;
    const missing = await verdict(scheme, headers);
    assert.deepEqual(missing, { kind: 'refused', why: `has no header ${proof}` });
  });

  test(`${title}: garbage in that header is refused, and never fails`, async () => {
    const written = good.headers[proof] ?? '';
    const garbage = [
      'x',
      ' ',
      ',',
      '=',
      'v1,',
      't=,v1=',
      't=1',
      `${written}0`,
      `x${written}`,
      written.slice(0, -1),
      written.slice(1),
      written.toUpperCase() === written ? written.toLowerCase() : written.toUpperCase(),
      written.replaceAll(/[0-9a-f]/g, 'é'),
      'a'.repeat(20_000),
      'v1,a '.repeat(4_000),
      '\u0000\u00ff',
    ];
    for (const value of garbage) {
      if (isSame(value, written, given)) continue;
      refused(await verdict(scheme, { ...good.headers, [proof]: value }));
    }
  });

  test(`${title}: no reason tells of a secret or a signature`, async () => {
    for (const headers of [{}, { ...good.headers, [proof]: 'x' }, good.headers]) {
      const { why = '' } = { why: '', ...(await verdict(make(other), headers)) };
      for (const hidden of [secret, other, good.headers[proof] ?? '']) assert.ok(!why.includes(hidden), why);
    }
  });

  if (tolerance !== undefined) {
    test(`${title}: it may be ${tolerance.past} s old and ${tolerance.future} s ahead, and no more`, async () => {
      const at = (seconds: number) => verdict(scheme, good.headers, good.body, NOW + seconds * 1000);
      assert.equal((await at(tolerance.past)).kind, 'genuine');
      const old = await at(tolerance.past + 1);
      assert.match(refused(old), /^was sent \d+ s ago/);
      if (tolerance.future === Number.POSITIVE_INFINITY) {
        assert.equal((await at(-1e9)).kind, 'genuine');
        return;
      }
      assert.equal((await at(-tolerance.future)).kind, 'genuine');
      assert.match(refused(await at(-tolerance.future - 1)), /^is dated \d+ s ahead/);
    });
  }
}

/** Whether a change of case, or of what stands around, makes no difference to what is said. */
function isSame(value: string, written: string, { scheme, settings }: SchemeCase): boolean {
  const hex =
    ['saleor'].includes(scheme) ||
    (scheme === 'hmac' && settings?.encoding !== 'base64' && !settings?.prefix);
  return hex && value.toLowerCase() === written.toLowerCase();
}

function refused(verdict: Verdict): string {
  assert.equal(verdict.kind, 'refused', JSON.stringify(verdict));
  return verdict.kind === 'refused' ? verdict.why : '';
}
