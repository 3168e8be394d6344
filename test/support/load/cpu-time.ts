import { readFileSync } from 'node:fs';

/** The CPU time that a process has used on all its threads, in milliseconds, to 10 of them: fields 14 and 15 of proc_pid_stat(5). */
export function cpuTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // Behind the command's name, which may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

// Linux tells user space ticks of a hundredth of a second, whatever its own are.
const MS_PER_TICK = 10;
