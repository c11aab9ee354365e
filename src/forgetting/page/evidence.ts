/**
 * What stands behind the statement: the certificate's trials, the text, the cost.
 *
 * @module
 */
import type { ForgettingReport, TrialReport } from "../report/format.ts";
import { details, type Html, markup, table } from "../../report/html.ts";
import { percent, secondsText, whole } from "../../report/numbers.ts";
import { confidence } from "../budget.ts";
import { boundText, errorText, shiftText, strengthText } from "./units.ts";

/** The trials of the certificate. */
export function trials(report: ForgettingReport): Html {
  const { trials, domains, strict, more_documents: more, chosen } = report;
  if (trials.length === 0) {
    return markup`<p>No strength was put to the test: on the control text only the base itself keeps
the budget.</p>`;
  }
  const alone = domains.length === 1;
  const most = Math.max(
    ...trials.flatMap(({ bounds }) =>
      bounds.map(({ mean, upper, epsilon }) =>
        Math.max(mean, Number.isFinite(upper) ? upper : 0, epsilon) / epsilon
      )
    ),
  );
  const rows = trials.flatMap(({ strength, bounds, passed }) =>
    bounds.map((bound, i) => {
      const { metric, name } = domains[i]!;
      const shown = strengthText(strength);
      return [
        passed && strength === chosen.strength ? markup`${shown} <b>chosen</b>` : shown,
        ...(alone ? [] : [name]),
        shiftText(metric, bound.mean),
        errorText(metric, bound.se),
        boundText(metric, bound.upper),
        shiftText(metric, bound.epsilon),
        whole(bound.documents),
        boundBar(bound, most),
        bound.upper <= bound.epsilon
          ? markup`<span class="kept">\u2713 kept</span>`
          : markup`<span class="broken">\u2717 not shown</span>`,
      ];
    })
  );
  return markup`<p>Strengths were tested from weak to strong, each on the same documents, until one failed.
The order was fixed beforehand, so that none of them is certified above its budget holds at
${levelText(report)}. The bound is that of a test by betting, which holds for any number of
documents and any shape of their rises, where a document counts at most ${
    strict ? "one nat a token of the longest" : "the nats that the statement names"
  }.${
    more === null ? "" : ` The strength that failed needs about ${whole(more)} more documents.`
  }</p>
${
    table("Trials of the certificate", [
      "Strength",
      ...(alone ? [] : ["Domain"]),
      "Mean",
      "Standard error",
      "Upper bound",
      "Budget",
      "Documents",
      markup`<span class="bar-key">mean to bound \u2502 budget</span>`,
      "Result",
    ], rows)
  }`;
}

/** How sure this test is, and all attempts on its documents together where they are counted. */
function levelText({ attempt, delta, domains }: ForgettingReport): string {
  const level = attempt?.level ?? delta;
  const each = domains.length > 1 ? `, each domain at ${confidence(level / domains.length)}` : "";
  const all = attempt?.number == null
    ? ""
    : `, and at ${confidence(delta)} for all attempts on these documents together`;
  return `${confidence(level)}${each}${all}`;
}

/** The mean and its bound beside the budget, as a picture for those who see it. */
function boundBar({ mean, upper, epsilon }: TrialReport["bounds"][number], most: number): Html {
  const at = (value: number) =>
    `${(100 * Math.min(1, Math.max(0, value / epsilon / most))).toFixed(1)}%`;
  return markup`<span class="bar" aria-hidden="true"><i style="left:${at(mean)};right:calc(100% - ${
    at(upper)
  })"></i><b style="left:${at(epsilon)}"></b></span>`;
}

/** The retention text and how it was split. */
export function retention({ domains, retention_text: text }: ForgettingReport): Html {
  const from = typeof text === "string"
    ? markup`<p>${text}</p>`
    : markup`<ul>${text.map((path) => markup`<li><code>${path}</code></li>`)}</ul>`;
  const parts = ["train", "control", "certificate", "probe"] as const;
  return markup`${from}
${
    table(
      "Documents by what they were used for",
      [
        "Domain",
        "Trained on",
        "Control",
        "Certificate",
        "Probe",
        "Repeated, left out",
        "In the task, left out",
      ],
      domains.map(({ name, documents }) => [
        name,
        ...parts.map((part) => whole(documents[part])),
        whole(documents.repeated),
        whole(documents.in_task),
      ]),
    )
  }
${
    details(
      "Hashes of the documents",
      table(
        "SHA-256 of the token ids",
        ["Domain", "Part", "SHA-256"],
        domains.flatMap(({ name, sha256 }) =>
          Object.entries(sha256).map(([part, hash]) => [name, part, markup`<code>${hash}</code>`])
        ),
      ),
    )
  }`;
}

/** What the guard has cost. */
export function cost({ cost, rollbacks }: ForgettingReport): Html {
  if (!cost) return markup`<p>Nothing was trained here: the adapter was measured and scaled.</p>`;
  const { task_tokens: task, guard_tokens: guard, seconds } = cost;
  return markup`<p>${secondsText(seconds)} of training; ${whole(task)} tokens of the task and
${whole(guard)} of the guard, ${percent(guard / task)} on top; ${whole(rollbacks)} ${
    rollbacks === 1 ? "roll-back" : "roll-backs"
  }.</p>`;
}
