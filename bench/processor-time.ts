/** Processor time of processes, read from Linux' /proc; elsewhere it is unknown and reported as NaN. */
import { readdirSync, readFileSync } from 'node:fs';

const usPerTick = 10_000;

/** Microseconds that the process, its living children and those it has buried have used so far. */
export function processorUs(pid: number): number {
  try {
    let ticks = 0;
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const stat = readStat(Number(entry));
      if (stat === null) continue;
      if (Number(entry) === pid) ticks += stat.own + stat.buried;
      else if (stat.parent === pid) ticks += stat.own + stat.buried;
    }
    return ticks * usPerTick;
  } catch {
    return Number.NaN;
  }
}

function readStat(pid: number): { parent: number; own: number; buried: number } | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold blanks.
    const fields = line
      .slice(line.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    return {
      parent,
      own: (fields[11] ?? 0) + (fields[12] ?? 0),
      buried: (fields[13] ?? 0) + (fields[14] ?? 0),
    };
  } catch {
    return null;
  }
}
