import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { config } from '../../src/cli/config.ts';
import { settingsSchema } from '../../src/config/schema.ts';
import { folderWith, linesOf, load, settingsOf } from './support.ts';

const RULES = 'rules: [{ event: "**", type: products }]';
const GLOB =
  'a pattern of at most 512 characters, with * and ? within a segment, ** across segments and {a,b} (not nested, at most 64 alternatives)';
const PATH =
  'a JSONPath (RFC 9535) of at most 512 characters without match() and search(), such as "$.hits[*].id"';
const HMAC = 'scheme: hmac, secret: x, header: x-sig';

/** What the webhook `w` is, and what a user sees of it. */
const MISTAKES: readonly (readonly [title: string, webhook: string, ...lines: string[]])[] = [
  [
    'a scheme that is none',
    `{ scheme: magento, secret: x, ${RULES} }`,
    'w.scheme: got "magento", expected standard, stripe, shopify, woocommerce, saleor, github, hmac or bearer',
  ],
  ['no secret', `{ scheme: stripe, ${RULES} }`, 'w.secret: got nothing, expected at least one secret'],
  [
    'an empty secret',
    `{ scheme: stripe, secret: "", ${RULES} }`,
    'w.secret: got empty ones, expected at least one secret',
  ],
  [
    'empty secrets',
    `{ scheme: stripe, secret: ["", ""], ${RULES} }`,
    'w.secret: got empty ones, expected at least one secret',
  ],
  [
    'a secret of another kind',
    `{ scheme: stripe, secret: 7, ${RULES} }`,
    'w.secret: got "***", expected a secret or a list of secrets',
  ],
  [
    'neither secret nor issuer',
    `{ scheme: saleor, ${RULES} }`,
    'w.secret: got nothing, expected at least one secret, or an issuer',
  ],
  [
    'both secret and issuer',
    `{ scheme: saleor, secret: x, issuer: "https://shop.example", ${RULES} }`,
    'w.secret: got "***", expected none beside an issuer, or no issuer',
  ],
  [
    'an issuer that is no origin',
    `{ scheme: saleor, issuer: "https://shop.example/graphql/", ${RULES} }`,
    'w.issuer: got "https://shop.example/graphql/", expected an http or https origin, such as https://shop.saleor.cloud',
  ],
  [
    'a secret that is not of Standard Webhooks',
    `{ scheme: standard, secret: [whsec_AAAA, "no base64"], ${RULES} }`,
    'w.secret: got ["***", "***"], expected whsec_ and a secret in base64, or whpk_ and an ed25519 public key in base64',
  ],
  [
    'settings of other schemes',
    `{ scheme: shopify, secret: x, issuer: "http://x", header: x-a, encoding: hex, ${RULES} }`,
    'w.issuer: got "http://x", expected none, since it goes with scheme saleor',
    'w.header: got "x-a", expected none, since it goes with scheme hmac or bearer',
    'w.encoding: got "hex", expected none, since it goes with scheme hmac',
  ],
  [
    'an hmac without its header',
    `{ scheme: hmac, secret: x, ${RULES} }`,
    'w.header: got nothing, expected the name of the header with the signature',
  ],
  [
    'a header that is none',
    `{ scheme: hmac, secret: x, header: "x sig", ${RULES} }`,
    'w.header: got "x sig", expected a header name',
  ],
  [
    'a text to sign without the body',
    `{ ${HMAC}, signed: "{timestamp}", ${RULES} }`,
    'w.signed: got "{timestamp}", expected a text with {body} once, and possibly {timestamp} and {id}, such as {timestamp}.{body}',
  ],
  [
    'a time that is not signed',
    `{ ${HMAC}, timestamp: { header: x-time }, ${RULES} }`,
    'w.signed: got nothing, expected a text with {timestamp} if there is a timestamp, and else without',
  ],
  [
    'a signed time that stands nowhere',
    `{ ${HMAC}, signed: "{timestamp}{body}", ${RULES} }`,
    'w.signed: got "{timestamp}{body}", expected a text with {timestamp} if there is a timestamp, and else without',
  ],
  [
    'a signed id that stands nowhere',
    `{ ${HMAC}, signed: "{id}{body}", id: { json: $.id }, ${RULES} }`,
    'w.signed: got "{id}{body}", expected a text without {id}, or an id.header',
  ],
  [
    'an event in two places and an id in none',
    `{ ${HMAC}, event: { header: x-e, json: $.e }, id: {}, ${RULES} }`,
    'w.event: got a map, expected a header or a json',
    'w.id: got a map, expected a header or a json',
  ],
  ['no rules', '{ scheme: stripe, secret: x }', 'w.rules: got nothing, expected a list of rules'],
  [
    'a rule that means everything',
    '{ scheme: stripe, secret: x, rules: [{ event: "*" }] }',
    'w.rules[0]: got no condition, expected at least one of tags, type, namespace, pattern, model',
  ],
  [
    'a rule without event',
    '{ scheme: stripe, secret: x, rules: [{ type: products }] }',
    `w.rules[0].event: got nothing, expected ${GLOB}`,
  ],
  [
    'an event that is no pattern',
    '{ scheme: stripe, secret: x, rules: [{ event: "{a", type: products }] }',
    `w.rules[0].event: got "{a", expected ${GLOB}`,
  ],
  [
    'a type that is not there',
    '{ scheme: stripe, secret: x, rules: [{ event: "*", type: [products, product] }] }',
    'w.rules[0].type: got ["products", "product"], expected a name under types; the nearest is "products"',
  ],
  [
    'a path that is none',
    '{ scheme: stripe, secret: x, rules: [{ event: "*", tags: [{ json: id, tag: "p:{value}" }] }] }',
    `w.rules[0].tags[0].json: got "id", expected ${PATH}`,
  ],
  [
    'a path with a regular expression',
    `{ scheme: stripe, secret: x, rules: [{ event: "*", tags: [{ json: "$[?match(@.a, 'x')].id", tag: "p:{value}" }] }] }`,
    `w.rules[0].tags[0].json: got "$[?match(@.a, 'x')].id", expected ${PATH}`,
  ],
  [
    'a tag that uses nothing of what is found',
    '{ scheme: stripe, secret: x, rules: [{ event: "*", tags: [{ json: $.id, tag: "p:{id}" }] }] }',
    'w.rules[0].tags[0].tag: got "p:{id}", expected a tag with {value}, which json finds',
  ],
  [
    'a tag of what nothing finds',
    '{ scheme: stripe, secret: x, rules: [{ event: "*", tags: [{ tag: "p:{value}" }] }] }',
    'w.rules[0].tags[0].tag: got "p:{value}", expected a tag without {names}, or a json that finds its {value}',
  ],
  [
    'a mode that is none',
    '{ scheme: stripe, secret: x, rules: [{ event: "*", type: products, mode: ban }] }',
    'w.rules[0].mode: got "ban", expected purge or expire',
  ],
  [
    'an unknown key',
    `{ scheme: stripe, secert: x, ${RULES} }`,
    'w.secert: got an unknown key, expected a known one; the nearest is "secret"',
    'w.secret: got nothing, expected at least one secret',
  ],
];

for (const [title, webhook, ...expected] of MISTAKES) {
  test(`${title} is refused, and what is expected is said`, () => {
    const lines = linesOf(
      load(folderWith({ 'mine.yaml': `webhooks: { w: ${webhook} }` }), { profile: 'mine.yaml' }),
    );
    assert.deepEqual(
      lines.map((line) => line.replace(/^mine\.yaml:\d+: webhooks\./, '')).sort(),
      [...expected].sort(),
    );
  });
}

test('a name that does not fit a path is refused', () => {
  const lines = linesOf(
    load(folderWith({ 'mine.yaml': `webhooks: { "a/b": { scheme: stripe, secret: x, ${RULES} } }` }), {
      profile: 'mine.yaml',
    }),
  );
  assert.deepEqual(lines, [
    'mine.yaml:1: webhooks["a/b"]: got this name, expected a name of at most 64 letters, digits, _ and -, a letter first',
  ]);
});

test('secrets come from the environment, and those that are not set do not count', () => {
  const profile = `webhooks: { w: { scheme: stripe, secret: ["\${NEW}", "\${OLD:-}"], ${RULES} } }`;
  const cwd = folderWith({ 'mine.yaml': profile });
  const secrets = (env: Record<string, string>) =>
    settingsOf(load(cwd, { profile: 'mine.yaml' }, env)).webhooks.get('w')?.secret;
  assert.deepEqual(secrets({ NEW: 'n' }), ['n']);
  assert.deepEqual(secrets({ NEW: 'n', OLD: 'o' }), ['n', 'o']);
  assert.match(linesOf(load(cwd, { profile: 'mine.yaml' })).join(), /NEW\}, which is not set/);
});

test('what is not said has its default, and one value is a list of one', () => {
  const { webhooks } = settingsSchema.parse({
    webhooks: { w: { scheme: 'stripe', secret: 's', rules: [{ event: 'a', type: 'products' }] } },
  });
  assert.deepEqual(webhooks.get('w'), {
    scheme: 'stripe',
    secret: ['s'],
    rules: [
      { event: 'a', tags: [], type: ['products'], namespace: [], pattern: [], model: [], mode: 'purge' },
    ],
  });
});

test('webhooks can be written as a profile that gives the same settings', () => {
  const settings = settingsSchema.parse({
    webhooks: {
      own: {
        scheme: 'hmac',
        secret: ['a', 'b'],
        header: 'X-Sig',
        signed: '{timestamp}.{body}',
        timestamp: { header: 'X-Time' },
        event: { json: '$.type' },
        rules: [{ event: '*', tags: [{ tag: 'x' }], mode: 'expire' }],
      },
      shop: { scheme: 'saleor', issuer: 'https://shop.example', rules: [{ event: '*', model: 'm' }] },
    },
  });
  const written = z.encode(settingsSchema, settings);
  assert.deepEqual(settingsSchema.parse(JSON.parse(JSON.stringify(written))), settings);
});

test('reprise config shows webhooks without their secrets, as a profile', () => {
  const secrets = ['hunter2-and-more', 'whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ='];
  const cwd = folderWith({
    'mine.yaml': `webhooks: { w: { scheme: stripe, secret: ${JSON.stringify(secrets)}, ${RULES} } }`,
  });
  let out = '';
  const write = (text: string) => {
    out += text;
  };
  const io = { out: write, err: write, cwd, version: '0' };
  assert.equal(config(['--profile', 'mine.yaml'], {}, io), 0);
  assert.match(out, /secret:\n\s+- "?\*\*\*"?\n\s+- "?\*\*\*"?\n/);
  for (const secret of secrets) assert.ok(!out.includes(secret));
});
