/** The probe as somebody might change it without a patch: asks first, waits afterwards. */
import { proxyActivities, sleep } from '@temporalio/workflow';

type ProbeActivities = { readonly askProbe: (input: { question: string }) => Promise<{ answer: string }> };

const { askProbe } = proxyActivities<ProbeActivities>({ startToCloseTimeout: '10 s', taskQueue: 'provider' });

export async function probe(question: string): Promise<string> {
  const { answer } = await askProbe({ question });
  await sleep('30 days');
  return answer;
}
