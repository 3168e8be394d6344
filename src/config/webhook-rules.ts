import { SCHEME_NAMES, type SchemeName } from '../invalidation/schemes/names.ts';
import { countOf, signedPieces } from '../invalidation/schemes/signed-text.ts';
import { parseStandardKey, STANDARD_KEY_EXPECTED } from '../invalidation/schemes/standard.ts';
import { parseTagTemplate } from '../shared/tag-template.ts';
import { oneOf } from './fields.ts';
import { nearest } from './nearest.ts';
import type { Finding } from './problems.ts';
import { type Path, valueAt } from './tree.ts';

/** The settings that go with some schemes only. */
const GOES_WITH: readonly (readonly [setting: string, schemes: readonly SchemeName[]])[] = [
  ['issuer', ['saleor']],
  ['header', ['hmac', 'bearer']],
  ['prefix', ['hmac', 'bearer']],
  ['encoding', ['hmac']],
  ['algorithm', ['hmac']],
  ['signed', ['hmac']],
  ['timestamp', ['hmac']],
  ['event', ['hmac', 'bearer']],
  ['id', ['hmac', 'bearer']],
];

const CONDITIONS = ['tags', 'type', 'namespace', 'pattern', 'model'] as const;

/** What is wrong with `raw`, the plain value of `webhooks`, beyond each value by itself. `types` are the names under types, if all are known. */
export function checkWebhooks(raw: unknown, types: readonly string[] | undefined): Finding[] {
  const all = typeof raw === 'object' && raw !== null ? Object.entries(raw) : [];
  return all.flatMap(([name, webhook]) => checkWebhook(['webhooks', name], webhook, types));
}

function checkWebhook(at: Path, webhook: unknown, types: readonly string[] | undefined): Finding[] {
  // Of one without a scheme nothing more can be said.
  const scheme = SCHEME_NAMES.find((name) => name === valueAt(webhook, ['scheme']));
  const said = (setting: string) => valueAt(webhook, [setting]) !== undefined;
  if (scheme === undefined) return [];
  const strangers = GOES_WITH.filter(([setting, schemes]) => said(setting) && !schemes.includes(scheme));
  const rules = listAt(webhook, ['rules']);
  return [
    ...strangers.map(([setting, schemes]) => ({
      path: [...at, setting],
      expected: `none, since it goes with scheme ${oneOf(schemes)}`,
    })),
    ...checkSecrets(at, webhook, scheme),
    ...(scheme === 'hmac' ? checkHmac(at, webhook) : []),
    ...['event', 'id'].flatMap((place) => checkPlace([...at, place], valueAt(webhook, [place]))),
    ...rules.flatMap((rule, index) => checkRule([...at, 'rules', index], rule, types)),
  ];
}

function checkSecrets(at: Path, webhook: unknown, scheme: SchemeName): Finding[] {
  const path = [...at, 'secret'];
  const given = [valueAt(webhook, ['secret']) ?? []].flat();
  const secrets = given.filter((one) => one !== '');
  const hasIssuer = scheme === 'saleor' && valueAt(webhook, ['issuer']) !== undefined;
  if (secrets.length === 0 && !hasIssuer) {
    const others = scheme === 'saleor' ? ', or an issuer' : '';
    return [
      { path, got: given.length === 0 ? 'nothing' : 'empty ones', expected: `at least one secret${others}` },
    ];
  }
  if (secrets.length > 0 && hasIssuer) return [{ path, expected: 'none beside an issuer, or no issuer' }];
  const isKey = (one: unknown) => typeof one !== 'string' || parseStandardKey(one) !== undefined;
  if (scheme !== 'standard' || secrets.every(isKey)) return [];
  return [{ path, expected: STANDARD_KEY_EXPECTED }];
}

function checkHmac(at: Path, webhook: unknown): Finding[] {
  const findings: Finding[] = [];
  if (valueAt(webhook, ['header']) === undefined) {
    findings.push({ path: [...at, 'header'], expected: 'the name of the header with the signature' });
  }
  const template = valueAt(webhook, ['signed']) ?? '{body}';
  const pieces = signedPieces(String(template));
  if (pieces === undefined) return findings;
  const path = [...at, 'signed'];
  const hasTimestamp = valueAt(webhook, ['timestamp']) !== undefined;
  const hasIdHeader = valueAt(webhook, ['id', 'header']) !== undefined;
  // A time that is not signed can be anybody's.
  if (hasTimestamp !== countOf(pieces, 'timestamp') > 0) {
    findings.push({ path, expected: 'a text with {timestamp} if there is a timestamp, and else without' });
  }
  if (!hasIdHeader && countOf(pieces, 'id') > 0) {
    findings.push({ path, expected: 'a text without {id}, or an id.header' });
  }
  return findings;
}

function checkPlace(path: Path, place: unknown): Finding[] {
  if (typeof place !== 'object' || place === null) return [];
  const said = ['header', 'json'].filter((way) => valueAt(place, [way]) !== undefined);
  return said.length === 1 ? [] : [{ path, expected: 'a header or a json' }];
}

function checkRule(at: Path, rule: unknown, types: readonly string[] | undefined): Finding[] {
  const said = CONDITIONS.flatMap((name) => listAt(rule, [name]));
  const unknown = listAt(rule, ['type']).filter((type) => !(types ?? [type]).includes(String(type)));
  return [
    ...(said.length === 0
      ? [{ path: at, got: 'no condition', expected: `at least one of ${CONDITIONS.join(', ')}` }]
      : []),
    ...unknown.map((type) => ({
      path: [...at, 'type'],
      expected: `a name under types; the nearest is "${nearest(String(type), types ?? [])}"`,
    })),
    ...listAt(rule, ['tags']).flatMap((tag, index) => checkTag([...at, 'tags', index], tag)),
  ];
}

function checkTag(at: Path, tag: unknown): Finding[] {
  const names = parseTagTemplate(String(valueAt(tag, ['tag'])))?.names;
  if (names === undefined) return [];
  const path = [...at, 'tag'];
  if (valueAt(tag, ['json']) !== undefined) {
    const usesValue = names.length > 0 && names.every((name) => name === 'value');
    return usesValue ? [] : [{ path, expected: 'a tag with {value}, which json finds' }];
  }
  // A name for which nothing stands in would make a tag that no entry has.
  if (names.length === 0) return [];
  return [{ path, expected: 'a tag without {names}, or a json that finds its {value}' }];
}

/** One value or a list of them, as a list. */
function listAt(value: unknown, path: Path): readonly unknown[] {
  return [valueAt(value, path) ?? []].flat();
}
