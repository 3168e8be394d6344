import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readProfile } from './extends.ts';
import { maskedIn } from './masked.ts';
import { type Flags, readOverrides } from './overrides.ts';
import { type Finding, findingsOf, type Problem, problemAt } from './problems.ts';
import { checkRules } from './rules.ts';
import { type Settings, settingsSchema } from './schema.ts';
import { type Environment, maskFor } from './secrets.ts';
import { checkTls } from './tls-rules.ts';
import { lookUp, merge, plain, type Tree } from './tree.ts';

/** Where settings come from: flags before the environment before the profile. */
export interface Sources {
  readonly flags: Flags;
  readonly env: Environment;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  /** The folder of the profiles that have names; the package's own if absent. */
  readonly profilesDir?: string;
}

/** Settings that can be relied on, or every mistake in them. */
export type Loaded =
  | {
      readonly kind: 'loaded';
      /** Paths of files and folders are absolute. */
      readonly settings: Settings;
      /** The profile, as it was named. */
      readonly profile: string;
    }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/** Reads the profile with all it extends, lays environment and flags over it, and checks the whole. */
export function loadSettings({ flags, env, cwd, profilesDir = PACKAGED_PROFILES }: Sources): Loaded {
  const { name, where } = profileOf(flags, env);
  const profile = readProfile({ name, where, path: '', folder: cwd }, { cwd, profilesDir, env });
  const overrides = readOverrides(flags, env);
  const tree = merge(profile.tree, overrides.tree);
  const raw = plain(tree);
  const parsed = settingsSchema.safeParse(raw);

  const refused = parsed.success ? [] : findingsOf(parsed.error);
  const isSaid = ({ path }: Finding) => lookUp(tree, path).found !== undefined;
  const rules = [...checkRules(raw, !profile.complete), ...checkTls(raw, cwd)];
  const found = [...refused, ...maskedIn(tree), ...rules];
  // What is missing may be said in the part of the profile that could not be read.
  const findings = profile.complete ? found : found.filter(isSaid);
  const isNew = ({ path }: Finding) => !isUnread(lookUp(tree, path).found);
  const mask = maskFor(env);
  const problems = [
    ...profile.problems,
    ...overrides.problems,
    ...findings.filter(isNew).map((finding) => problemAt(tree, finding, mask)),
  ];
  if (!parsed.success || problems.length > 0) return { kind: 'refused', problems };
  return { kind: 'loaded', settings: withAbsolutePaths(parsed.data, cwd), profile: name };
}

/** Whether something of this value could not be read, and has been told of already: what else is wrong with it follows from that. */
function isUnread(tree: Tree | undefined): boolean {
  return tree?.kind === 'list' ? tree.items.some(isUnread) : tree?.kind === 'unreadable';
}

const PACKAGED_PROFILES = fileURLToPath(new URL('../../profiles', import.meta.url));

function withAbsolutePaths({ server, disk, ...rest }: Settings, cwd: string): Settings {
  const { tls } = server;
  const files = tls && { ...tls, cert: resolve(cwd, tls.cert), key: resolve(cwd, tls.key) };
  return { ...rest, server: { ...server, tls: files }, disk: { ...disk, path: resolve(cwd, disk.path) } };
}

function profileOf(flags: Flags, env: Environment): { readonly name: string; readonly where: string } {
  if (flags.profile !== undefined) return { name: flags.profile, where: '--profile' };
  const name = env.REPRISE_PROFILE ?? '';
  return name === ''
    ? { name: 'development', where: 'the default profile' }
    : { name, where: 'REPRISE_PROFILE' };
}
