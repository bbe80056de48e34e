/** The chain of the configuration, apart from the rest so that the watcher need not load every connector. */
import { openEvm, type Evm } from '#activities/payments/evm/evm-deps.ts';
import type { Config } from './config.ts';

/** Null where none is configured. */
export function evmOf({ evm }: Pick<Config, 'evm'>): Evm | null {
  if (evm === undefined) return null;
  const { signer, rpcUrl, ...rest } = evm;
  return openEvm({
    ...rest,
    rpcUrl: rpcUrl.reveal(),
    signer: signer === undefined ? null : { url: signer.url, secret: signer.secret.reveal() },
  });
}
