/** One player's whole money life, from registration to payout, through the public API and the parties' own wires. */
import {
  deposit,
  play,
  playBatches,
  protect,
  prove,
  register,
  settleOpenRound,
  standingNow,
  withdraw,
} from './acts.ts';
import { findCast } from './cast.ts';
import { brokenInvariants } from './timeline.ts';

try {
  const cast = await findCast(process.env['PITBOSS_HOME'] ?? '.pitboss', process.env);
  const before = await standingNow(cast);
  const player = await register(cast);
  await protect(player);
  await deposit(cast, player);
  const report = await play(cast, player);
  await playBatches(cast, player);
  await settleOpenRound(cast, player, report);
  await withdraw(cast, player);
  await prove(cast, player, before);
  const broken = brokenInvariants();
  console.log(
    broken === 0
      ? `\nAll invariants hold. Find the workflows at ${cast.workflowsPage ?? 'your Temporal UI'}`
      : `\n${broken} invariants are broken.`,
  );
  process.exitCode = broken === 0 ? 0 : 1;
} catch (error) {
  console.error(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
