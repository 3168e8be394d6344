/** What of `secret` is found in `bytes`: as it is, in base64 (standard or for URLs, at each of three offsets) or percent-encoded. */
export function findSecret(bytes: Buffer, secret: string): string | undefined {
  const forms = new Set([secret, encodeURIComponent(secret), Buffer.from(secret).toString('hex')]);
  for (const offset of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    // The first and the last digits depend on the neighbours.
    for (const encoding of ['base64', 'base64url'] as const)
      forms.add(shifted.toString(encoding).replace(/=+$/, '').slice(4, -2));
  }
  return [...forms].find((form) => bytes.includes(form));
}
