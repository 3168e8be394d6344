/** What {@link signedPieces} takes, in words for a message. */
export const SIGNED_EXPECTED =
  'a text with {body} once, and possibly {timestamp} and {id}, such as {timestamp}.{body}';

/** A piece of what is signed: a text as it stands, or one of a delivery's own. */
export type SignedPiece = { readonly text: string } | { readonly of: Part };

type Part = (typeof PARTS)[number];
const PARTS = ['body', 'timestamp', 'id'] as const;

/** Reads what is signed, such as `{timestamp}.{body}`; undefined where the body is not in it once, or something unknown is. */
export function signedPieces(template: string): readonly SignedPiece[] | undefined {
  const pieces: SignedPiece[] = [];
  for (const text of template.split(/(\{[^{}]*\})/)) {
    const of = PARTS.find((part) => text === `{${part}}`);
    if (of === undefined && /[{}]/.test(text)) return undefined;
    pieces.push(of === undefined ? { text } : { of });
  }
  return countOf(pieces, 'body') === 1 ? pieces : undefined;
}

/** How often a part of a delivery is signed. */
export function countOf(pieces: readonly SignedPiece[], part: Part): number {
  return pieces.filter((piece) => 'of' in piece && piece.of === part).length;
}

/** What is signed of a delivery, one piece after the other. */
export function signedParts<Body extends string | Buffer>(
  pieces: readonly SignedPiece[],
  delivery: { readonly body: Body; readonly timestamp: string | undefined; readonly id: string | undefined },
): readonly (string | Body)[] {
  return pieces.map((piece) => ('of' in piece ? (delivery[piece.of] ?? '') : piece.text));
}
