/** `about 40 s`, `about 3 min`, `about 2 h`, `about 2 h 10 min`. */
export function aboutSeconds(seconds: number): string {
  if (seconds < 1) return 'a moment';
  if (seconds < 90) return `about ${seconds < 10 ? Math.ceil(seconds) : Math.ceil(seconds / 5) * 5} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return `about ${minutes} min`;
  const rest = minutes % 60;
  return `about ${Math.floor(minutes / 60)} h${rest === 0 ? '' : ` ${rest} min`}`;
}
