import type { Rotation } from '@rekey/contract';
import { type Application, type Period, sumOf } from './application.ts';
import { liveView, noticeableIn, plainActivity, plainLine, type Scene } from './live-view.ts';
import { createRates } from './rates.ts';
import type { RecordSet } from './records.ts';
import type { Screen } from './screen.ts';

const frameMs = 80;
/** Without a terminal: no two lines about progress come closer. */
const plainEveryMs = 1_000;

/** Shows the application and the rotation as they go: in place on a terminal, line by line elsewhere. */
export interface Show {
  enter(period: Period): void;
  update(rotation: Rotation): void;
  /** What was last seen stays on the screen. May be repeated. */
  end(): void;
}

export interface Cast {
  readonly screen: Screen;
  readonly application: Pick<Application, 'activity'>;
  readonly counts: RecordSet['counts'];
  readonly running: () => readonly string[];
}

export function startShow({ screen, application, counts, running }: Cast): Show {
  const { activity } = application;
  const rates = createRates();
  let period: Period = 'before';
  let rotation: Rotation | null = null;
  let calledAt = 0;
  let completedAt = 0;

  const scene = (): Scene => {
    const now = performance.now();
    const perSecond = rates(now, sumOf(activity.reads).done, sumOf(activity.writes).done);
    return {
      period,
      counts: rotation?.itemsToRotate ?? counts,
      rotation,
      sinceCallMs: (completedAt || now) - calledAt,
      nowMs: Date.now(),
      activity,
      readsPerSecond: perSecond.first,
      writesPerSecond: perSecond.second,
      running: running(),
    };
  };

  let told = '';
  let toldAt = 0;
  const tell = (): void => {
    const now = performance.now();
    const ended = rotation !== null && rotation.completedAt !== null; // told once, as the period ends
    if (period !== 'during' || ended || now - toldAt < plainEveryMs) return;
    const current = scene();
    const news = noticeableIn(current);
    if (news === told) return;
    told = news;
    toldAt = now;
    screen.print(plainLine(current));
  };
  const tellOfApplication = (): void => {
    if (!screen.live) screen.print(`  application, ${period}: ${plainActivity(activity, period)}`);
  };

  const refresh = (): void => (screen.live ? screen.draw(liveView(scene(), screen)) : tell());
  const timer = setInterval(refresh, frameMs);
  let ended = false;

  return {
    enter(next) {
      if (next === 'during') calledAt = toldAt = performance.now();
      if (next === 'after') {
        completedAt = performance.now();
        if (!screen.live) screen.print(plainLine(scene()));
      }
      tellOfApplication();
      period = next;
      refresh();
    },
    update(latest) {
      rotation = latest;
      refresh();
    },
    end() {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      const last = screen.live ? liveView(scene(), screen) : [];
      screen.draw([]);
      screen.print(...last);
      tellOfApplication();
    },
  };
}
