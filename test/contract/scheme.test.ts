import { type SchemeCase, testScheme } from './scheme.ts';

const PLAIN = ['first secret', 'second secret'] as const;
const STANDARD = [
  `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`,
  `whsec_${Buffer.from('another one of 24 bytes.').toString('base64')}`,
] as const;

const CASES: readonly SchemeCase[] = [
  {
    title: 'standard',
    scheme: 'standard',
    secrets: STANDARD,
    proof: 'webhook-signature',
    signsBody: true,
    tolerance: { past: 300, future: 300 },
    hasId: true,
  },
  {
    title: 'stripe',
    scheme: 'stripe',
    secrets: PLAIN,
    proof: 'stripe-signature',
    signsBody: true,
    tolerance: { past: 300, future: Number.POSITIVE_INFINITY },
    hasId: true,
  },
  {
    title: 'shopify',
    scheme: 'shopify',
    secrets: PLAIN,
    proof: 'x-shopify-hmac-sha256',
    signsBody: true,
    hasId: true,
  },
  {
    title: 'woocommerce',
    scheme: 'woocommerce',
    secrets: PLAIN,
    proof: 'x-wc-webhook-signature',
    signsBody: true,
    hasId: true,
  },
  {
    title: 'saleor',
    scheme: 'saleor',
    secrets: PLAIN,
    proof: 'saleor-signature',
    signsBody: true,
    hasId: false,
  },
  {
    title: 'github',
    scheme: 'github',
    secrets: PLAIN,
    proof: 'x-hub-signature-256',
    signsBody: true,
    hasId: true,
  },
  {
    title: 'hmac',
    scheme: 'hmac',
    settings: { header: 'x-signature', event: { header: 'x-event' } },
    secrets: PLAIN,
    proof: 'x-signature',
    signsBody: true,
    hasId: false,
  },
  {
    title: 'hmac of sha512 in base64, with id and time',
    scheme: 'hmac',
    settings: {
      header: 'x-signature',
      prefix: 'v0=',
      encoding: 'base64',
      algorithm: 'sha512',
      signed: 'v0:{timestamp}:{id}:{body}',
      timestamp: { header: 'x-timestamp', tolerance: 60_000 },
      event: { header: 'x-event' },
      id: { header: 'x-id' },
    },
    secrets: PLAIN,
    proof: 'x-signature',
    signsBody: true,
    tolerance: { past: 60, future: 60 },
    hasId: true,
  },
  {
    title: 'bearer',
    scheme: 'bearer',
    settings: { event: { header: 'x-event' } },
    secrets: ['first-token', 'second-token'],
    proof: 'authorization',
    signsBody: false,
    hasId: false,
  },
  {
    title: 'bearer in a header of its own',
    scheme: 'bearer',
    settings: { header: 'x-gitlab-token', event: { header: 'x-event' }, id: { header: 'x-id' } },
    secrets: ['first-token', 'second-token'],
    proof: 'x-gitlab-token',
    signsBody: false,
    hasId: true,
  },
];

for (const one of CASES) testScheme(one);
