"""Clients of the services in server.py.

usage: clients.py ADDRESS
"""

import asyncio
import hashlib
import sys

import aiohttp
import grpc
import zeep
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

ADDRESS = sys.argv[1]
BASE = f"http://{ADDRESS}:8001"

BOOK = "query BookPage($id: ID!) { book(id: $id) { id title author { name email } } }"
REVIEW = "mutation AddReview($book: ID!) { addReview(book: $book, stars: 5) { stars } }"
SCHEMA = "query IntrospectionQuery { __schema { types { name fields { name type { name } } } } }"


async def graphql(http):
    url = f"{BASE}/query"
    await http.post(url, json={"operationName": "BookPage", "query": BOOK, "variables": {"id": "b1"}})
    await http.post(url, json={"query": REVIEW, "variables": {"book": "b1"}})
    await http.post(url, json={"query": "{ me { name } books(first: 2) { title } }"})
    await http.post(url, json=[{"query": BOOK, "variables": {"id": "b1"}}, {"query": "query Shelf { books { id } }"}])
    await http.post(url, data="query AsText { me { email } }", headers={"Content-Type": "application/graphql"})
    await http.get(url, params={"query": "query ByGet { books(first: 1) { title } }"})
    await http.post(url, json={"query": SCHEMA})
    digest = hashlib.sha256(BOOK.encode()).hexdigest()
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    await http.post(url, json={"operationName": "Stored", "variables": {}, "extensions": persisted})


async def json_rpc(http):
    url = f"{BASE}/wallet"
    await http.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "wallet.balance", "params": ["w-1"]})
    await http.post(url, json=[
        {"jsonrpc": "2.0", "id": 2, "method": "wallet.send", "params": {"to": "w-2", "amount": 3}},
        {"jsonrpc": "2.0", "method": "log.write", "params": ["sent"]},
    ])


async def websocket(http):
    async with http.ws_connect(f"{BASE}/live", protocols=("graphql-transport-ws",), compress=15) as ws:
        await ws.send_json({"type": "connection_init"})
        await ws.receive_json()
        await ws.send_json({"type": "subscribe", "id": "1", "payload": {"query": "query Live { books { title author { email } } }"}})
        await ws.receive_json()
        await ws.receive_json()
        await ws.ping()


async def events(http):
    async with http.get(f"{BASE}/ticks") as response:
        await response.read()


def text(number, value):
    data = value.encode()
    return bytes([number << 3 | 2, len(data)]) + data


def grpc_calls():
    with grpc.insecure_channel(f"{ADDRESS}:8002") as channel:
        item = text(1, "mirror") + b"\x10\x03" + bytes([3 << 3 | 2, 4]) + b"\x08\x01\x10\x02"
        for method in ("AddItem", "Checkout"):
            call = channel.unary_unary(f"/shop.v1.Cart/{method}")
            call(item)
        list(channel.unary_stream("/shop.v1.Stock/Watch")(text(1, "mirror")))


async def mcp_calls():
    async with streamablehttp_client(f"http://{ADDRESS}:8003/mcp") as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            await session.list_tools()
            await session.call_tool("find_book", {"title": "Mirrors"})
            await session.call_tool("reserve_book", {"number": 7})
            await session.get_prompt("recommend", {"topic": "optics"})


def soap_calls():
    older = zeep.Client(f"http://{ADDRESS}:8004/older?wsdl")
    older.service.get_quote("ACME")
    older.service.list_quotes("A", "B")
    newer = zeep.Client(f"http://{ADDRESS}:8004/newer?wsdl")
    newer.service.get_quote("ACME")


async def main():
    async with aiohttp.ClientSession() as http:
        for ask in (graphql, json_rpc, websocket, events):
            await ask(http)
    await mcp_calls()


asyncio.run(main())
grpc_calls()
soap_calls()
