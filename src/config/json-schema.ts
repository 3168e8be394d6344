import * as z from 'zod';
import { settingsSchema } from './schema.ts';
import type { Path } from './tree.ts';

type Schema = z.core.JSONSchema.JSONSchema;

/** The JSON Schema (draft 2020-12) of a profile, for editors. */
export function profileJsonSchema(): Schema {
  const { $schema, properties, ...settings } = z.toJSONSchema(settingsSchema, {
    io: 'input',
    override: ({ jsonSchema }) => void delete jsonSchema.readOnly,
  });
  const profile = forFiles({ ...settings, properties: { extends: EXTENDS, ...properties } }, false);
  return { ...($schema === undefined ? {} : { $schema }), title: 'Profile of Reprise', ...profile };
}

/** The keys that `profile` knows in the map at `path`; empty where its keys are the user's own. */
export function knownKeys(profile: Schema, path: Path): readonly string[] {
  let at: Schema | undefined = profile;
  for (const step of path) {
    at = asSchema(
      typeof step === 'number' ? at?.items : (at?.properties?.[String(step)] ?? at?.additionalProperties),
    );
  }
  // Where a map is one of several kinds of value.
  const map = [at, ...(at?.anyOf ?? []).map(asSchema)].find((kind) => kind?.properties !== undefined);
  return Object.keys(map?.properties ?? {});
}

const EXTENDS: Schema = {
  type: 'string',
  description:
    'The profile that this one is laid over: development, production, testing, catalog or the path of a file.',
};

const VARIABLE: Schema = { type: 'string', pattern: '\\$\\{' };

/**
 * The schema of what stands in one file: any single value may be a text with a variable in it, and a map may leave to
 * the profile it extends what it has to say; lists cannot, they are replaced as a whole.
 */
function forFiles(schema: Schema, inList: boolean): Schema {
  const {
    required,
    properties,
    additionalProperties,
    items,
    description,
    default: standard,
    ...rest
  } = schema;
  const about = {
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard }),
  };
  const rule = asSchema(additionalProperties);
  const item = asSchema(items);
  if (properties !== undefined) {
    const inFiles = Object.entries(properties).map(([key, value]) => [
      key,
      forFiles(asSchema(value) ?? {}, inList),
    ]);
    return {
      ...about,
      ...rest,
      properties: Object.fromEntries(inFiles),
      additionalProperties: rule === undefined ? false : forFiles(rule, inList),
      ...(inList && required !== undefined ? { required } : {}),
    };
  }
  if (item !== undefined) return { ...about, ...rest, items: forFiles(item, true) };
  const isAnyText = rest.type === 'string' && rest.pattern === undefined && rest.enum === undefined;
  return isAnyText ? schema : { ...about, anyOf: [...(rest.anyOf ?? [rest]), VARIABLE] };
}

function asSchema(schema: Schema['items']): Schema | undefined {
  return typeof schema === 'object' && !Array.isArray(schema) ? schema : undefined;
}
