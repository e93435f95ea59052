// A service with the bare bindings of wit-bindgen, WASI 0.2. Handles that the host drops with the instance are not dropped
// by hand, but for those that have children to outlive.

#include <stdio.h>
#include <string.h>

#include "service.h"

#define HTTP(name) wasi_http_types_##name
#define STREAMS(name) wasi_io_streams_##name

static void require(bool holds) {
  if (!holds) __builtin_trap();
}

static void wait_for(wasi_io_poll_own_pollable_t pollable) {
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
}

// The answer under way: its body, and the stream that the body is written to.
typedef struct {
  HTTP(own_outgoing_body_t) body;
  STREAMS(own_output_stream_t) stream;
} answer_t;

static answer_t begin(HTTP(own_response_outparam_t) out, uint16_t status) {
  answer_t answer;
  HTTP(own_outgoing_response_t) response = HTTP(constructor_outgoing_response)(HTTP(constructor_fields)());
  HTTP(borrow_outgoing_response_t) borrowed = HTTP(borrow_outgoing_response)(response);
  require(HTTP(method_outgoing_response_set_status_code)(borrowed, status));
  require(HTTP(method_outgoing_response_body)(borrowed, &answer.body));
  HTTP(result_own_outgoing_response_error_code_t) result = {.is_err = false, .val.ok = response};
  HTTP(static_response_outparam_set)(out, &result);
  require(HTTP(method_outgoing_body_write)(HTTP(borrow_outgoing_body)(answer.body), &answer.stream));
  return answer;
}

static void end(answer_t answer) {
  HTTP(error_code_t) error;
  STREAMS(output_stream_drop_own)(answer.stream);
  require(HTTP(static_outgoing_body_finish)(answer.body, NULL, &error));
}

// At most 4,096 bytes are taken at once.
static void write_all(answer_t answer, uint8_t *bytes, size_t length) {
  STREAMS(stream_error_t) error;
  while (length > 0) {
    service_list_u8_t chunk = {bytes, length < 4096 ? length : 4096};
    require(STREAMS(method_output_stream_blocking_write_and_flush)(STREAMS(borrow_output_stream)(answer.stream), &chunk, &error));
    bytes += chunk.len;
    length -= chunk.len;
  }
}

static void write_text(answer_t answer, const char *text) { write_all(answer, (uint8_t *)text, strlen(text)); }

static void write_chunk(answer_t answer, int number) {
  char text[32];
  snprintf(text, sizeof text, "chunk %d\n", number);
  write_text(answer, text);
  wait_for(wasi_clocks_monotonic_clock_subscribe_duration(20000000));
}

static void relay(answer_t answer, HTTP(own_incoming_body_t) body) {
  STREAMS(own_input_stream_t) stream;
  STREAMS(stream_error_t) error;
  service_list_u8_t chunk;
  require(HTTP(method_incoming_body_stream)(HTTP(borrow_incoming_body)(body), &stream));
  while (STREAMS(method_input_stream_blocking_read)(STREAMS(borrow_input_stream)(stream), 64 * 1024, &chunk, &error)) {
    write_all(answer, chunk.ptr, chunk.len);
    service_list_u8_free(&chunk);
  }
  require(error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED);
  STREAMS(input_stream_drop_own)(stream);
  end(answer);
}

static bool get(const char *url, HTTP(own_incoming_response_t) * response, HTTP(error_code_t) * error) {
  const char *authority = url + strlen("http://");
  size_t length = strcspn(authority, "/");
  service_string_t host = {(uint8_t *)authority, length};
  service_string_t path = {(uint8_t *)authority + length, strlen(authority + length)};
  HTTP(scheme_t) scheme = {.tag = WASI_HTTP_TYPES_SCHEME_HTTP};
  HTTP(own_outgoing_request_t) request = HTTP(constructor_outgoing_request)(HTTP(constructor_fields)());
  HTTP(borrow_outgoing_request_t) borrowed = HTTP(borrow_outgoing_request)(request);
  require(HTTP(method_outgoing_request_set_scheme)(borrowed, &scheme));
  require(HTTP(method_outgoing_request_set_authority)(borrowed, &host));
  require(HTTP(method_outgoing_request_set_path_with_query)(borrowed, &path));
  HTTP(own_future_incoming_response_t) future;
  if (!wasi_http_outgoing_handler_handle(request, NULL, &future, error)) return false;
  HTTP(borrow_future_incoming_response_t) awaited = HTTP(borrow_future_incoming_response)(future);
  wait_for(HTTP(method_future_incoming_response_subscribe)(awaited));
  HTTP(result_result_own_incoming_response_error_code_void_t) result;
  require(HTTP(method_future_incoming_response_get)(awaited, &result) && !result.is_err);
  if (result.val.ok.is_err) {
    *error = result.val.ok.val.err;
    return false;
  }
  *response = result.val.ok.val.ok;
  return true;
}

static void fetch(HTTP(own_response_outparam_t) out, const char *url) {
  HTTP(own_incoming_response_t) response;
  HTTP(result_own_outgoing_response_error_code_t) failed = {.is_err = true};
  HTTP(own_incoming_body_t) body;
  if (!get(url, &response, &failed.val.err)) {
    HTTP(static_response_outparam_set)(out, &failed);
    return;
  }
  HTTP(borrow_incoming_response_t) borrowed = HTTP(borrow_incoming_response)(response);
  require(HTTP(method_incoming_response_consume)(borrowed, &body));
  relay(begin(out, HTTP(method_incoming_response_status)(borrowed)), body);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  HTTP(borrow_incoming_request_t) borrowed = HTTP(borrow_incoming_request)(request);
  service_string_t target;
  char text[4096];
  require(HTTP(method_incoming_request_path_with_query)(borrowed, &target) && target.len < sizeof text);
  memcpy(text, target.ptr, target.len);
  text[target.len] = 0;
  const char *query = strchr(text, '?');
  size_t length = query ? (size_t)(query - text) : strlen(text);
  text[length] = 0;
  const char *name = strrchr(text, '/');
  name = name ? name + 1 : text;

  if (strcmp(name, "trap") == 0) {
    __builtin_trap();
  } else if (strcmp(name, "trap-late") == 0) {
    write_chunk(begin(out, 200), 0);
    __builtin_trap();
  } else if (strcmp(name, "echo") == 0) {
    HTTP(own_incoming_body_t) body;
    require(HTTP(method_incoming_request_consume)(borrowed, &body));
    relay(begin(out, 200), body);
  } else if (strcmp(name, "stream") == 0) {
    answer_t answer = begin(out, 200);
    for (int number = 0; number < 10; number++) write_chunk(answer, number);
    end(answer);
  } else if (strcmp(name, "fetch") == 0 && query) {
    fetch(out, query + strlen("?url="));
  } else {
    answer_t answer = begin(out, 200);
    write_text(answer, "hello");
    end(answer);
  }
}
