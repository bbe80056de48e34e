/** The page of all failure codes, one anchor each, to which the `type` of every problem leads. */
import { failureCodes, type FailureCode } from '#domain/failures.ts';
import { problemMeanings } from './problem-meanings.ts';
import { statusOf } from './problem.ts';

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.35rem .75rem;border-bottom:1px solid #ddd}
td:first-child{white-space:nowrap}
tr:target{background:#fff3bf}
a{color:inherit}`;

const row = (code: FailureCode): string => {
  const { means, next } = problemMeanings[code];
  return `<tr id="${code}"><td><a href="#${code}"><code>${code}</code></a></td><td>${statusOf(code)}</td><td>${toHtml(means)}</td><td>${toHtml(next)}</td></tr>`;
};

/** Between backticks stands what is typed. */
const toHtml = (sentence: string): string =>
  sentence
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>');

export const problemsBody = `<style>${style}</style>
<h1>Problems</h1>
<p>Every error is an RFC 9457 problem document. Program against <code>code</code>; <code>detail</code> is for people, and <code>instance</code> is the request id to quote to support. <code>errors</code> names fields by JSON pointers.</p>
<p>An answer with status 500 has no code: the fault is ours. Repeat it with the same <code>Idempotency-Key</code>, and quote <code>instance</code> if it comes again.</p>
<table><thead><tr><th>Code</th><th>Status</th><th>What it means</th><th>What to do</th></tr></thead>
<tbody>${failureCodes.map(row).join('\n')}</tbody></table>`;
