"""Services of each API style, each by the library that people use for it.

usage: server.py ADDRESS
ports: 8001 GraphQL and JSON-RPC and WebSocket (aiohttp, graphql-core), 8002 gRPC (grpcio),
       8003 MCP (mcp), 8004 SOAP (spyne)
"""

import asyncio
import json
import sys
import threading
from concurrent import futures
from wsgiref.simple_server import WSGIRequestHandler, make_server

import graphql
import grpc
from aiohttp import WSMsgType, web
from mcp.server.fastmcp import FastMCP
from spyne import Application, Iterable, ServiceBase, Unicode, rpc
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

ADDRESS = sys.argv[1]

SCHEMA = graphql.build_schema("""
type Query { book(id: ID!): Book, books(first: Int): [Book!]!, me: Person }
type Mutation { addReview(book: ID!, stars: Int!): Review }
type Book { id: ID!, title: String!, author: Person, reviews: [Review!]! }
type Person { name: String!, email: String }
type Review { stars: Int! }
""")

PERSON = {"name": "Alex Example", "email": "alex@books.example"}
BOOK = {"id": "b1", "title": "Mirrors", "author": PERSON, "reviews": [{"stars": 4}, {"stars": 5}]}
ROOT = {
    "book": lambda info, id: BOOK,
    "books": lambda info, first=2: [BOOK] * first,
    "me": lambda info: PERSON,
    "addReview": lambda info, book, stars: {"stars": stars},
}


def execute(request):
    if "query" not in request:
        error = {"message": "PersistedQueryNotFound"}
        return {"errors": [error]}
    result = graphql.graphql_sync(
        SCHEMA, request["query"], ROOT, variable_values=request.get("variables"),
        operation_name=request.get("operationName"))
    return result.formatted


async def post_graphql(request):
    if request.content_type == "application/graphql":
        return web.json_response(execute({"query": await request.text()}))
    asked = await request.json()
    many = isinstance(asked, list)
    answers = [execute(one) for one in (asked if many else [asked])]
    response = web.json_response(answers if many else answers[0])
    response.enable_compression()
    return response


async def get_graphql(request):
    return web.json_response(execute({"query": request.query["query"]}))


METHODS = {"wallet.balance": lambda params: 12, "wallet.send": lambda params: "ok", "log.write": lambda params: None}


async def post_rpc(request):
    asked = await request.json()
    many = isinstance(asked, list)
    answers = [
        {"jsonrpc": "2.0", "id": one["id"], "result": METHODS[one["method"]](one.get("params"))}
        for one in (asked if many else [asked]) if "id" in one
    ]
    if not answers:
        return web.Response(status=204)
    return web.json_response(answers if many else answers[0])


async def socket(request):
    ws = web.WebSocketResponse(protocols=("graphql-transport-ws",))
    await ws.prepare(request)
    async for message in ws:
        if message.type != WSMsgType.TEXT:
            continue
        asked = json.loads(message.data)
        if asked["type"] == "connection_init":
            await ws.send_json({"type": "connection_ack"})
        elif asked["type"] == "subscribe":
            answer = execute(asked["payload"])
            await ws.send_json({"type": "next", "id": asked["id"], "payload": answer})
            await ws.send_json({"type": "complete", "id": asked["id"]})
    return ws


async def events(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in range(5):
        await response.write(f"event: tick\ndata: {json.dumps({'n': number, 'who': PERSON})}\n\n".encode())
        await asyncio.sleep(0.1)
    return response


def serve_http():
    app = web.Application()
    app.router.add_post("/query", post_graphql)
    app.router.add_get("/query", get_graphql)
    app.router.add_post("/wallet", post_rpc)
    app.router.add_get("/live", socket)
    app.router.add_get("/ticks", events)
    web.run_app(app, host=ADDRESS, port=8001, handle_signals=False, print=None)


class Shop(grpc.GenericRpcHandler):
    """Answers with what it was sent: messages are made by hand, no generated code is needed."""

    def service(self, details):
        if details.method.endswith("/Watch"):
            return grpc.unary_stream_rpc_method_handler(lambda request, context: iter([request] * 3))
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


def serve_grpc():
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Shop(),))
    server.add_insecure_port(f"{ADDRESS}:8002")
    server.start()
    server.wait_for_termination()


def serve_mcp():
    mcp = FastMCP("library", host=ADDRESS, port=8003)

    @mcp.tool()
    def find_book(title: str) -> str:
        """Finds a book."""
        return f"{title}: on shelf 3"

    @mcp.tool()
    def reserve_book(number: int) -> str:
        """Reserves a book."""
        return f"{number} reserved"

    @mcp.prompt()
    def recommend(topic: str) -> str:
        """Asks for a recommendation."""
        return f"Recommend a book about {topic}."

    mcp.run(transport="streamable-http")


class Quotes(ServiceBase):
    @rpc(Unicode, _returns=Unicode)
    def get_quote(ctx, symbol):
        return f"{symbol}: 42"

    @rpc(Unicode, Unicode, _returns=Iterable(Unicode))
    def list_quotes(ctx, first, last):
        yield first
        yield last


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def serve_soap():
    def app(environ, start_response):
        inner = NEWER if environ["PATH_INFO"].startswith("/newer") else OLDER
        return inner(environ, start_response)

    OLDER = WsgiApplication(Application(
        [Quotes], "urn:quotes.example", in_protocol=Soap11(validator="lxml"), out_protocol=Soap11()))
    NEWER = WsgiApplication(Application(
        [Quotes], "urn:quotes.example", in_protocol=Soap12(validator="lxml"), out_protocol=Soap12()))
    make_server(ADDRESS, 8004, app, handler_class=Quiet).serve_forever()


for serve in (serve_grpc, serve_mcp, serve_soap):
    threading.Thread(target=serve, daemon=True).start()
asyncio.set_event_loop(asyncio.new_event_loop())
serve_http()
