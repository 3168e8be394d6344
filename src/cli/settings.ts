import { type Loaded, loadSettings } from '../config/load.ts';
import type { Environment } from '../config/secrets.ts';
import type { ParsedFlags } from './flags.ts';

/** The settings that a command line asks for, or every mistake at once: those in its flags and those in what they name. */
export function settingsFrom(
  parsed: Extract<ParsedFlags, { kind: 'run' | 'refused' }>,
  env: Environment,
  cwd: string,
): Loaded {
  const loaded = loadSettings({ flags: parsed.flags, env, cwd });
  if (parsed.kind === 'run') return loaded;
  const others = loaded.kind === 'refused' ? loaded.problems : [];
  return { kind: 'refused', problems: [...parsed.problems, ...others] };
}
