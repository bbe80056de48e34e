/** A worker that is killed between keeping the signed bytes of a transfer and sending them. */
import { createDatabase, openPool } from '#db/connect.ts';
import { signTransfer } from '#activities/payments/evm/chain-transfers.ts';
import { openEvm } from '#activities/payments/evm/evm-deps.ts';

const [url = '', chain = '', transferId = ''] = process.argv.slice(2);
const db = createDatabase(openPool({ url, applicationName: 'sign-and-die', connectionsMax: 1 }));
await signTransfer({ db, evm: openEvm(JSON.parse(chain)) }, transferId);
process.kill(process.pid, 'SIGKILL');
