/** Entry of `npm run bench -- NAME`: runs one benchmark against a platform of its own and prints its ratio last. */
import { loadavg } from 'node:os';
import type { Bench } from './bench-platform.ts';
import { cascade } from './cascade.ts';
import { deposit } from './deposit.ts';
import { freshness } from './freshness.ts';
import { market } from './market.ts';
import { memory } from './memory.ts';
import { outage } from './outage.ts';
import { reconciliation } from './reconciliation.ts';
import { rules } from './rules.ts';
import { scale } from './scale.ts';
import { wallet } from './wallet.ts';
import { writer } from './writer.ts';

const benches: Readonly<Record<string, Bench>> = {
  cascade,
  deposit,
  freshness,
  market,
  memory,
  outage,
  reconciliation,
  rules,
  scale,
  wallet,
  writer,
};

const name = process.argv[2];
const bench = name === undefined || !Object.hasOwn(benches, name) ? undefined : benches[name];
if (bench === undefined) {
  console.log('Benchmarks, run by npm run bench -- NAME:');
  for (const [each, { summary }] of Object.entries(benches)) console.log(`  ${each.padEnd(14)} ${summary}`);
  process.exitCode = name === undefined ? 0 : 1;
} else {
  const load = () =>
    loadavg()
      .map((value) => value.toFixed(1))
      .join(' ');
  console.log(`${name}: ${bench.summary}\nLoad average at the start: ${load()}`);
  const report = await bench.run(process.argv.slice(3));
  console.log(`Load average at the end: ${load()}`);
  for (const line of report) console.log(line);
}
