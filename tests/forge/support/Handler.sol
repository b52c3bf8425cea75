// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ExitRequest} from "../../../contracts/interfaces/IExit.sol";
import {AssetId, ETH} from "../../../contracts/types/AssetId.sol";
import {EpochId} from "../../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord} from "../../../contracts/types/EpochRecord.sol";
import {Epoch, EpochBuilder, Lane} from "./EpochBuilder.sol";
import {Forced, Forcing} from "./Forcing.sol";
import {BlacklistingToken} from "./OddTokens.sol";

/// @title Does anything that users, operators and the owner may do, and keeps the books apart from the contracts
/// @dev What a circuit would guarantee is kept here: epochs withdraw and charge, and exits take, no more than notes hold.
contract Handler is Forcing {
    /// @notice Sums by asset (1 and 2) after an epoch, since genesis.
    struct Book {
        uint256[3] taken;
        uint256[3] notes;
        uint256[3] withdrawn;
        uint256[3] fees;
    }

    struct Item {
        Lane lane;
        bytes32 tail;
        address sender;
        bytes32 dataHash;
        bool pulledBack;
    }

    struct Withdrawal {
        uint64 epoch;
        uint256 place;
        Lane lane;
        uint256 index;
        bool paid;
    }

    uint256 private constant LANES = 4;
    /// Not a precompile, which would refuse money.
    address private constant EXECUTOR = address(0xe0e);

    /// First broken promise; reverts inside a handler would go unnoticed.
    string public violation;
    /// By asset 1 and 2.
    uint256[3] public brought;
    uint256[3] public claimed;
    uint256[3] public feesPaid;
    uint256[3] public exited;
    uint256[3] public pulledBack;
    uint256 public queueLength;
    uint64 public provenEpochs;
    bool public frozen;

    Item[] private items;
    Withdrawal[] private withdrawals;
    mapping(uint64 epoch => Book) private books;
    mapping(uint64 epoch => bytes32[]) private leavesOf;
    mapping(uint64 epoch => EpochFees) private epochFees;
    mapping(uint256 nullifier => bool) private left;

    constructor() {
        deploy();
        vm.fee(1 gwei);
    }

    function depositEther(uint96 value, uint160 depositor) external {
        value = uint96(bound(value, 1, 1e24));
        address sender = _user(depositor);
        (Lane memory lane, bytes32 tail) = depositWei(sender, value, queueLength);
        _queued(lane, tail, sender, keccak256(ciphertextFor(queueLength)), 1, value);
    }

    function depositToken(uint96 value, uint160 depositor) external {
        value = uint96(bound(value, 1, 1e15));
        address sender = _user(depositor);
        (Lane memory lane, bytes32 tail) = depositUsd(sender, value, queueLength);
        _queued(lane, tail, sender, keccak256(ciphertextFor(queueLength)), 2, value);
    }

    /// @dev A forced transaction that withdraws nothing: what it would is the circuit's business.
    function force(uint160 user) external {
        address sender = _user(user);
        Forced memory forced = forcedFor(queueLength);
        (forced.value, forced.asset, forced.recipient) = (0, 0, 0);
        (Lane memory lane, bytes32 tail) = forceAs(sender, forced);
        _queued(lane, tail, sender, keccak256(encode(forced)), 1, feeOf[queueLength]);
    }

    function commit(uint256 seed) external {
        (Epoch memory epoch, bytes32[] memory tails) = _next(seed);
        commitEpoch(epoch, tails);
        _committed(epoch);
    }

    function commitAndProve(uint256 seed) external {
        if (provenEpochs != EpochId.unwrap(tip.id)) return;
        (Epoch memory epoch, bytes32[] memory tails) = _next(seed);
        settle(epoch, tails);
        _committed(epoch);
        provenEpochs++;
    }

    function prove() external {
        if (provenEpochs == EpochId.unwrap(tip.id)) return;
        EpochRecord memory record = recordOf[provenEpochs + 1];
        bytes memory proof = goodProof(record, address(this));
        rollup.prove(record, epochFees[provenEpochs + 1], address(this), proof);
        provenEpochs++;
    }

    function proveFalsely(uint256 seed) external {
        EpochRecord memory record = recordOf[uint64(bound(seed, 0, EpochId.unwrap(tip.id)))];
        try rollup.prove(record, epochFees[EpochId.unwrap(record.id)], address(this), new bytes(256)) {
            violation = "a false proof passed";
        } catch {}
    }

    function prune() external {
        if (provenEpochs == EpochId.unwrap(tip.id)) return;
        EpochRecord memory first = recordOf[provenEpochs + 1];
        try rollup.prune(first) {
            if (height() <= first.deadline) violation = "pruned before its deadline";
            _rollBack();
        } catch {
            if (height() > first.deadline && !frozen) violation = "a prune was refused";
        }
    }

    /// @dev Now and then after everyone was gone for long.
    function freeze(bool byEpoch, uint8 gone) external {
        if (gone % 4 == 0) vm.roll(height() + FREEZE_TIME);
        uint256 since = type(uint64).max;
        EpochRecord[] memory pending = new EpochRecord[](byEpoch ? 1 : 0);
        if (byEpoch) {
            pending[0] = recordOf[provenEpochs + 1];
            if (provenEpochs != EpochId.unwrap(tip.id)) since = pending[0].commitBlock;
        } else if (recordOf[provenEpochs].queueEnd < queueLength) {
            since = queue.item(recordOf[provenEpochs].queueEnd).queuedAt();
        }
        try rollup.freeze(pending) {
            if (since + FREEZE_TIME > height()) violation = "frozen too early";
            frozen = true;
            _rollBack();
        } catch {
            if (since + FREEZE_TIME <= height() && !frozen) violation = "a freeze was refused";
        }
    }

    function exit(uint256 seed, uint96 value, bool ether_) external {
        uint256 asset = ether_ ? 1 : 2;
        uint256 remaining = books[provenEpochs].notes[asset] - exited[asset];
        if (remaining == 0) return;
        value = uint96(bound(value, 1, remaining));
        uint128 fee = value % 7 == 0 ? value / 2 : 0;
        ExitRequest memory request =
            ExitRequest(1 + seed % 40, AssetId.wrap(uint64(asset)), value, _user(uint160(seed)), EXECUTOR, fee);
        EpochRecord memory last = recordOf[provenEpochs];
        uint256[7] memory inputs = [
            rollup.domain(),
            last.newState,
            request.nullifier,
            asset * 2 ** 120 + value,
            uint160(request.recipient),
            uint160(EXECUTOR),
            fee
        ];
        bytes memory proof = bytes.concat(keccak256(abi.encode(inputs)), new bytes(224));
        try way.exit(last, request, proof) {
            if (!frozen) violation = "an exit before the freeze";
            if (left[request.nullifier]) violation = "a note left twice";
            left[request.nullifier] = true;
            exited[asset] += value;
        } catch {
            if (frozen && !left[request.nullifier]) violation = "an exit was refused";
        }
    }

    function pullBack(uint256 seed) external {
        if (items.length == 0) return;
        uint256 index = bound(seed, 0, items.length - 1);
        Item storage item = items[index];
        Lane memory lane = item.lane;
        bool due = frozen && index >= recordOf[provenEpochs].queueEnd && !item.pulledBack;
        uint256 asset = lane.kind == 2 ? lane.asset : 1;
        uint256 value = lane.kind == 2 ? lane.value : feeOf[index];
        uint256 before = _balance(item.sender, asset);
        AssetId named = AssetId.wrap(uint64(lane.asset));
        try bridge.pullBack(
            index, lane.kind, lane.link, named, lane.value, lane.recipient, item.sender, item.dataHash
        ) {
            if (!due) {
                violation =
                    "an item was pulled back that was not due";
            }
            if (_balance(item.sender, asset) - before != value) violation = "another amount was pulled back";
            item.pulledBack = true;
            pulledBack[asset] += value;
        } catch {
            if (due) violation = "an item could not be pulled back";
        }
    }

    function claim(uint256 seed) external {
        if (withdrawals.length == 0) return;
        Withdrawal storage chosen = withdrawals[bound(seed, 0, withdrawals.length - 1)];
        Lane memory lane = chosen.lane;
        (, bytes32[] memory proof) = EpochBuilder.prove(leavesOf[chosen.epoch], chosen.place);
        EpochRecord memory record = recordOf[chosen.epoch];
        address recipient = address(uint160(lane.recipient));
        uint256 before = _balance(recipient, lane.asset);
        AssetId asset = AssetId.wrap(uint64(lane.asset));
        try bridge.claim(summaryOf(record), chosen.index, asset, lane.value, lane.recipient, proof) {
            if (chosen.paid) violation = "a withdrawal was paid twice";
            if (chosen.epoch > provenEpochs) violation = "a pending epoch paid";
            if (_balance(recipient, lane.asset) - before != lane.value) violation = "another amount was paid";
            chosen.paid = true;
            claimed[lane.asset] += lane.value;
        } catch {
            if (!chosen.paid && chosen.epoch <= provenEpochs) violation = "a claim was refused";
        }
    }

    function withdrawFees(bool ether_) external {
        AssetId asset = ether_ ? ETH : USD;
        uint256 owed = bridge.feesOwed(feeRecipient, asset);
        vm.prank(feeRecipient);
        try bridge.withdrawFees(asset, address(0xcafe)) returns (uint256 value) {
            if (value != owed) violation = "other fees were paid";
            feesPaid[AssetId.unwrap(asset)] += value;
        } catch {
            if (owed != 0) violation = "fees were refused";
        }
    }

    function donate(uint96 value) external {
        usd.mint(address(bridge), value % 1e15);
        vm.deal(address(bridge), address(bridge).balance + value % 1e18);
    }

    /// @dev The owner's brakes, by turns.
    function brake(uint64 blocks, uint8 choice) external {
        blocks = uint64(bound(blocks, 1, FREEZE_TIME / 4));
        vm.prank(owner);
        if (choice % 6 == 0) bridge.pauseDeposits(blocks);
        if (choice % 6 == 1) bridge.resumeDeposits();
        if (choice % 6 == 2) rollup.pauseEpochs(blocks);
        if (choice % 6 == 3) rollup.resumeEpochs();
        if (choice % 6 == 4) rollup.scheduleVerifier(address(small), blocks % 2 == 0);
        if (choice % 6 == 5) rollup.scheduleVerifier(address(large), blocks % 2 == 0);
        if (frozen) violation = "the owner moved something after the freeze";
    }

    function list(uint64 id) external {
        AssetId asset = AssetId.wrap(id);
        bool listed = bridge.isListed(asset);
        address token = address(new BlacklistingToken());
        vm.prank(owner);
        try bridge.listAsset(asset, token, 1) {
            if (listed || id < 2 || frozen) violation = "an asset was listed that may not be";
        } catch {}
    }

    function wait_(uint16 blocks) external {
        vm.roll(height() + bound(blocks, 1, 20_000));
    }

    /// @notice What is in the vault for others than donors, from what came in and went out.
    function reserve(uint256 asset) external view returns (uint256) {
        uint256 paid = claimed[asset] + feesPaid[asset] + exited[asset] + pulledBack[asset];
        return brought[asset] - paid;
    }

    /// @notice What the vault owes: waiting items, unspent notes, withdrawals and fees of the proven state, less what was paid.
    function owes(uint256 asset) external view returns (uint256) {
        Book memory book = books[provenEpochs];
        uint256 waiting = brought[asset] - book.taken[asset] - pulledBack[asset];
        return waiting + book.notes[asset] - exited[asset] + book.withdrawn[asset] - claimed[asset] + book.fees[asset]
            - feesPaid[asset];
    }

    function contracts() external view returns (address, address, address, address) {
        return (address(rollup), address(bridge), address(queue), address(usd));
    }

    function recordHash(uint64 id) external view returns (bytes32) {
        return hashOf(recordOf[id]);
    }

    function tipId() external view returns (uint64) {
        return EpochId.unwrap(tip.id);
    }

    function _queued(Lane memory lane, bytes32 tail, address sender, bytes32 dataHash, uint256 asset, uint256 value)
        private
    {
        if (frozen) violation = "queued after the freeze";
        items.push(Item(lane, tail, sender, dataHash, false));
        brought[asset] += value;
        queueLength++;
    }

    /// @dev What was pending is void.
    function _rollBack() private {
        tip = recordOf[provenEpochs];
        while (withdrawals.length != 0 && withdrawals[withdrawals.length - 1].epoch > provenEpochs) withdrawals.pop();
    }

    /// @dev A valid epoch: takes up to all lanes' worth of the queue, withdraws and charges from what notes hold.
    function _next(uint256 seed) private view returns (Epoch memory epoch, bytes32[] memory tails) {
        epoch = emptyEpoch(LANES);
        uint256 left_ = items.length - tip.queueEnd;
        uint256 take = bound(seed, left_ == 0 ? 0 : 1, left_ < LANES ? left_ : LANES);
        tails = new bytes32[](take);
        uint256[3] memory held = books[EpochId.unwrap(tip.id)].notes;
        for (uint256 i = 0; i < take; i++) {
            Item memory item = items[tip.queueEnd + i];
            epoch.lanes[i] = item.lane;
            if (item.lane.kind == 3 && (seed >> 9) % 2 == 0) epoch.lanes[i].kind = 4;
            tails[i] = item.tail;
        }
        epoch.header[5] += take;
        for (uint256 l = take; l < LANES; l++) {
            uint256 random = uint256(keccak256(abi.encode(seed, l)));
            uint256 asset = 1 + random % 2;
            uint256 value = held[asset] == 0 ? 0 : (random >> 8) % (held[asset] + 1);
            held[asset] -= value;
            epoch.lanes[l] = value == 0
                ? transferLane(random)
                : withdrawalLane(random, asset, value, 0x10000 + ((random >> 128) & 0xff));
        }
        for (uint256 asset = 1; asset < 3; asset++) {
            epoch.header[5 + asset] = asset;
            epoch.header[9 + asset] = held[asset] / 1000;
        }
    }

    function _committed(Epoch memory epoch) private {
        if (frozen) violation = "an epoch after the freeze";
        uint64 id = EpochId.unwrap(tip.id);
        Book memory book = books[id - 1];
        epochFees[id] = feesOf(epoch);
        (bytes32[] memory leaves, uint256[] memory lanes) = EpochBuilder.withdrawals(epoch);
        leavesOf[id] = leaves;
        for (uint256 i = 0; i < leaves.length; i++) {
            Lane memory lane = epoch.lanes[lanes[i]];
            book.notes[lane.asset] -= lane.value;
            book.withdrawn[lane.asset] += lane.value;
            withdrawals.push(Withdrawal(id, i, lane, lanes[i], false));
        }
        for (uint256 l = 0; l < LANES; l++) {
            if (epoch.lanes[l].kind != 2) continue;
            book.taken[epoch.lanes[l].asset] += epoch.lanes[l].value;
            book.notes[epoch.lanes[l].asset] += epoch.lanes[l].value;
        }
        book.taken[1] += epochFees[id].queueFees;
        book.fees[1] += epochFees[id].queueFees;
        for (uint256 asset = 1; asset < 3; asset++) {
            book.notes[asset] -= epoch.header[9 + asset];
            book.fees[asset] += epoch.header[9 + asset];
        }
        books[id] = book;
    }

    function _balance(address account, uint256 asset) private view returns (uint256) {
        return asset == 1 ? account.balance : usd.balanceOf(account);
    }

    function _user(uint160 account) private pure returns (address) {
        return address(0x100000 + account % 0x100);
    }
}
