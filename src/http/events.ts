/**
 * Server-sent events.
 *
 * @module
 */

/** A client that takes nothing for so long is cut. */
const SLOWEST_MS = 60_000;

/**
 * A response that sends objects as they come, and `[DONE]` after the last. A fault in the middle is
 * the last event.
 *
 * @param leave Is called when the client has gone, or takes nothing any more.
 */
export function eventStream(objects: AsyncGenerator<object>, leave: () => void): Response {
  const encoder = new TextEncoder();
  const event = (data: string) => encoder.encode(`data: ${data}\n\n`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(timer);
      try {
        const { value, done } = await objects.next();
        controller.enqueue(event(done ? "[DONE]" : JSON.stringify(value)));
        if (done) return controller.close();
      } catch (fault) {
        const message = fault instanceof Error ? fault.message : String(fault);
        controller.enqueue(event(JSON.stringify({ error: { message, type: "server_error" } })));
        return controller.close();
      }
      timer = setTimeout(() => {
        leave();
        controller.error(new Error("the client takes nothing any more"));
      }, SLOWEST_MS);
    },
    cancel() {
      clearTimeout(timer);
      leave();
    },
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}
