/** Signs the ledger's log while it grows; run by the relay that leads. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { LogForkedError, signCheckpoint } from '#activities/wallet/log/checkpoints.ts';
import { createNoteSigner, type NoteSigner } from '#activities/wallet/log/signed-note.ts';
import { askWitness, type Witness } from '#activities/wallet/log/witness.ts';
import type { Database } from '#db/connect.ts';
import { ConfigFailure } from './config-failure.ts';
import type { Config } from './config.ts';
import type { Metrics } from './metrics.ts';

/** Half of the minute that is promised, so that one failure does not break the promise. */
const everyMs = 30_000;

export type CheckpointDeps = {
  readonly db: Database;
  readonly signer: NoteSigner;
  readonly witness?: Witness | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
};

/** The signer of the configuration; production does not run without one. */
export function ledgerSigner({ ledgerLog, mode }: Config): NoteSigner | undefined {
  if (ledgerLog.signingKey !== undefined)
    return createNoteSigner(ledgerLog.origin, ledgerLog.signingKey.reveal());
  if (mode === 'production')
    throw new ConfigFailure(['LEDGER_SIGNING_KEY is not set: the relay signs the ledger with it.']);
  return undefined;
}

/** The witness of the configuration, if there is one. */
export const ledgerWitness = ({ ledgerLog: { witnessUrl, witnessKey } }: Config): Witness | undefined =>
  witnessUrl === undefined || witnessKey === undefined ? undefined : { url: witnessUrl, key: witnessKey };

/** Signs at once and then twice a minute until `signal` aborts. */
export async function signCheckpoints(
  deps: CheckpointDeps,
  signal: AbortSignal,
  pauseMs = everyMs,
): Promise<void> {
  const { db, signer, witness, metrics, log } = deps;
  while (!signal.aborted) {
    try {
      const checkpoint = await signCheckpoint(db, signer);
      if (checkpoint !== null) {
        metrics.ledgerCheckpointSize.set(checkpoint.size);
        metrics.ledgerCheckpointSignedAtS.set(checkpoint.signedAt.getTime() / 1_000);
      }
    } catch (error) {
      if (error instanceof LogForkedError) log.error({ error }, 'the log of the ledger was changed');
      else log.warn({ error }, 'no checkpoint could be signed; it is tried again');
    }
    if (witness !== undefined)
      await askWitness(db, witness).catch((error: unknown) =>
        log.error({ error }, 'the witness has not co-signed the checkpoint; it is asked again'),
      );
    await delay(pauseMs, undefined, { signal }).catch(() => {});
  }
}
