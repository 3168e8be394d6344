import { WRONG_SIGNATURE } from './body-hmac.ts';
import { decodeDigest, hmacOf, isAmong } from './digest.ts';
import { headerOf, readerOf } from './place.ts';
import type { Scheme, SchemeSettings } from './scheme.ts';
import { countOf, type SignedPiece, signedParts, signedPieces } from './signed-text.ts';
import { refusalOf } from './timestamp.ts';

/** An HMAC in a header, as the settings describe it. They are checked: see `config/webhook-rules.ts`. */
export function hmac(settings: SchemeSettings): Scheme {
  const { secret: secrets, header: signature = '', prefix = '', encoding = 'hex' } = settings;
  const { algorithm = 'sha256', timestamp, event, id } = settings;
  const pieces: readonly SignedPiece[] = signedPieces(settings.signed ?? '{body}') ?? [];
  const needed = [
    signature,
    timestamp?.header ?? [],
    countOf(pieces, 'id') > 0 ? (id?.header ?? []) : [],
  ].flat();
  return {
    verify({ header, body }, now) {
      const missing = needed.find((name) => !header(name));
      if (missing !== undefined) return { kind: 'refused', why: `has no header ${missing}` };
      const sentAt = timestamp && header(timestamp.header);
      if (timestamp !== undefined && sentAt !== undefined) {
        const { tolerance } = timestamp;
        const refusal = refusalOf(sentAt, now, { past: tolerance, future: tolerance });
        if (refusal !== undefined) return { kind: 'refused', why: refusal };
      }
      const written = header(signature) ?? '';
      const digest = written.startsWith(prefix) && decodeDigest(written.slice(prefix.length), encoding);
      const parts = signedParts(pieces, { body, timestamp: sentAt, id: id?.header && header(id.header) });
      const expected = secrets.map((secret) => hmacOf(secret, parts, algorithm));
      return digest && isAmong([digest], expected) ? { kind: 'genuine' } : WRONG_SIGNATURE;
    },
    event: event === undefined ? () => '' : readerOf(event),
    id: id === undefined ? () => undefined : readerOf(id),
    sign(draft) {
      const [secret] = secrets;
      if (secret === undefined) return undefined;
      const sentAt = String(Math.floor(draft.now / 1000));
      const values = { body: draft.payload, timestamp: sentAt, id: draft.id };
      const digest = hmacOf(secret, signedParts(pieces, values), algorithm).toString(encoding);
      return {
        body: draft.payload,
        headers: [
          ...headerOf(event, draft.event),
          ...headerOf(id, draft.id),
          ...headerOf(timestamp, sentAt),
          [signature, prefix + digest],
        ],
      };
    },
  };
}
