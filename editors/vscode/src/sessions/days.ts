/** When a session was used last, in the words that people group by. */

const DAY_MS = 86_400_000;

/** Returns "Today", "Yesterday", a weekday within the last week, or a month. */
export function dayOf(time: Date, now: Date = new Date()): string {
  const days = Math.round((midnight(now) - midnight(time)) / DAY_MS);
  if (days <= 0) {
    return 'Today';
  }
  if (days === 1) {
    return 'Yesterday';
  }
  if (days < 7) {
    return time.toLocaleDateString('en', { weekday: 'long' });
  }
  return time.toLocaleDateString('en', { month: 'long', year: 'numeric' });
}

/** Returns how long ago: "3 min", "2 h", "5 d". */
export function agoOf(time: Date, now: Date = new Date()): string {
  const minutes = Math.max(0, Math.floor((now.getTime() - time.getTime()) / 60_000));
  if (minutes < 1) {
    return 'now';
  }
  if (minutes < 60) {
    return `${minutes} min`;
  }
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** Returns a day in the editor's own way, for a time as the server tells it. */
export function dateOf(time: string): string {
  return new Date(time).toLocaleDateString();
}

function midnight(time: Date): number {
  return Date.UTC(time.getFullYear(), time.getMonth(), time.getDate());
}
