// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ClaimRequest, IBridge, PermitSignature} from "../interfaces/IBridge.sol";
import {IL1Queue} from "../interfaces/IL1Queue.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {IExit} from "../interfaces/IExit.sol";
import {FIELD_MODULUS} from "../libraries/Field.sol";
import {Pauses} from "../libraries/Pauses.sol";
import {QueueItems} from "../libraries/QueueItems.sol";
import {Withdrawals} from "../libraries/Withdrawals.sol";
import {AssetId, ETH, NO_ASSET} from "../types/AssetId.sol";
import {EpochId} from "../types/EpochId.sol";
import {EpochFees, EpochSummary} from "../types/EpochRecord.sol";

/// @title Bridge
contract Bridge is IBridge, Ownable2Step, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Asset {
        uint128 liabilities;
        uint128 cap;
        /// 0 for ETH.
        address token;
    }

    struct Pause {
        uint64 fromBlock;
        uint64 untilBlock;
    }

    uint256 public constant CIPHERTEXT_BYTES = 93;
    uint256 public constant VALUE_BOUND = 1 << 120;
    uint256 private constant ADDRESS_BOUND = 1 << 160;

    IL1Queue private immutable _queue;
    IRollup private immutable _rollup;
    IExit private immutable _exit;

    /// @inheritdoc IBridge
    mapping(AssetId asset => Asset) public assets;
    /// @inheritdoc IBridge
    mapping(address token => AssetId) public assetOf;
    /// @inheritdoc IBridge
    mapping(address account => mapping(AssetId asset => uint256)) public feesOwed;
    /// @inheritdoc IBridge
    Pause public lastPause;
    /// @dev One bit a claim, at epoch * MAX_LANES + lane: epochs share words, which makes most claims cheaper.
    mapping(uint256 word => uint256) private _claimed;
    /// @dev One bit a queue item.
    mapping(uint256 word => uint256) private _pulledBack;

    /// @dev Governance of the vault ends with the rollup.
    modifier whileRunning() {
        if (_rollup.isFrozen()) revert IRollup.RollupFrozen();
        _;
    }

    /// @param queue_ Deployed before, with the address of this contract.
    /// @param rollup_ Address that the rollup will be deployed to; its constructor checks that it is.
    /// @param exit_ Address that the exit contract will be deployed to; the rollup's constructor checks that it is.
    /// @param owner_ May list assets, set caps and use the brakes of docs/spec/06-l1.md.
    /// @param ethCap Cap of ETH, in wei.
    constructor(IL1Queue queue_, IRollup rollup_, IExit exit_, address owner_, uint128 ethCap) Ownable(owner_) {
        if (queue_.bridge() != address(this)) revert WiringMismatch();
        _queue = queue_;
        _rollup = rollup_;
        _exit = exit_;
        assets[ETH].cap = ethCap;
        emit AssetListed(ETH, address(0), ethCap);
    }

    /// @inheritdoc IBridge
    function depositETH(uint256 notePartial, bytes calldata ciphertext)
        external
        payable
        nonReentrant
        returns (uint256 index)
    {
        index = _enqueue(ETH, msg.value, notePartial, ciphertext);
    }

    /// @inheritdoc IBridge
    function deposit(AssetId asset, uint256 value, uint256 notePartial, bytes calldata ciphertext)
        external
        nonReentrant
        returns (uint256 index)
    {
        index = _depositToken(asset, _tokenOf(asset), value, notePartial, ciphertext);
    }

    /// @inheritdoc IBridge
    /// @dev Under the lock: a token that calls back finds every function that moves funds closed.
    // slither-disable-next-line reentrancy-no-eth
    function depositWithPermit(
        AssetId asset,
        uint256 value,
        uint256 notePartial,
        bytes calldata ciphertext,
        PermitSignature calldata signature
    ) external nonReentrant returns (uint256 index) {
        IERC20 token = _tokenOf(asset);
        // Whoever saw the signature may have used it first; then the allowance is there already.
        try IERC20Permit(address(token))
            .permit(msg.sender, address(this), value, signature.deadline, signature.v, signature.r, signature.s) {}
            catch {}
        index = _depositToken(asset, token, value, notePartial, ciphertext);
    }

    /// @inheritdoc IBridge
    function claim(
        EpochSummary calldata summary,
        uint256 lane,
        AssetId asset,
        uint256 value,
        uint256 recipient,
        bytes32[] calldata proof
    ) external nonReentrant {
        EpochId epoch = summary.id;
        if (!_rollup.isProven(epoch, summary.hashSummary())) revert EpochNotProven(epoch);
        bytes32 leaf = Withdrawals.leaf(lane, AssetId.unwrap(asset), value, recipient);
        if (!MerkleProof.verifyCalldata(proof, summary.withdrawalRoot, leaf)) revert NotAWithdrawal(epoch, lane);
        if (recipient >= ADDRESS_BOUND) revert BadRecipient(recipient);

        (uint256 word, uint256 bit) = _claimBit(epoch, lane);
        uint256 claimed = _claimed[word];
        if (claimed & bit != 0) revert AlreadyClaimed(epoch, lane);
        _claimed[word] = claimed | bit;

        address payee = address(uint160(recipient));
        emit Claimed(epoch, lane, payee, asset, value);
        _pay(asset, payee, value);
    }

    /// @inheritdoc IBridge
    function claimMany(ClaimRequest[] calldata requests) external returns (bool[] memory paid) {
        paid = new bool[](requests.length);
        for (uint256 i = 0; i < requests.length; i++) {
            ClaimRequest calldata request = requests[i];
            // A recipient that burns all gas it gets must not take the share of those after it.
            // slither-disable-next-line calls-loop
            try this.claim{gas: gasleft() / (requests.length - i)}(
                request.epoch, request.lane, request.asset, request.value, request.recipient, request.proof
            ) {
                paid[i] = true;
            } catch {}
        }
    }

    /// @inheritdoc IBridge
    function creditFees(address account, EpochFees calldata fees) external {
        if (msg.sender != address(_rollup)) revert OnlyRollup(msg.sender);
        for (uint256 slot = 0; slot < fees.totals.length; slot++) {
            uint256 total = fees.totals[slot];
            if (total != 0) feesOwed[account][AssetId.wrap(uint64(fees.assets[slot]))] += total;
        }
        if (fees.queueFees != 0) feesOwed[account][ETH] += fees.queueFees;
    }

    /// @inheritdoc IBridge
    function holdQueueFee() external payable {
        if (msg.sender != address(_queue)) revert OnlyQueue(msg.sender);
        assets[ETH].liabilities += uint128(msg.value);
    }

    /// @inheritdoc IBridge
    function payExit(AssetId asset, address recipient, uint256 value, address executor, uint256 fee)
        external
        nonReentrant
    {
        if (msg.sender != address(_exit)) revert OnlyExit(msg.sender);
        if (value != fee) _pay(asset, recipient, value - fee);
        if (fee != 0) _pay(asset, executor, fee);
    }

    /// @inheritdoc IBridge
    function pullBack(
        uint256 index,
        uint256 itemKind,
        uint256 link,
        AssetId asset,
        uint256 value,
        uint256 recipient,
        address sender,
        bytes32 dataHash
    ) external nonReentrant {
        if (!_rollup.isFrozen()) revert RollupNotFrozen();
        uint256 cursor = _rollup.cursor();
        if (index < cursor) revert ItemProcessed(index, cursor);
        bytes32 tail = QueueItems.tailOf(sender, dataHash);
        if (!_queue.matches(index, itemKind, link, AssetId.unwrap(asset), value, recipient, tail)) {
            revert NotTheItem(index);
        }
        (uint256 word, uint256 bit) = (index >> 8, 1 << (index & 0xff));
        if (_pulledBack[word] & bit != 0) revert AlreadyPulledBack(index);
        _pulledBack[word] |= bit;
        if (itemKind == QueueItems.FORCED) {
            // Its notes were never spent; what it brought is the fee.
            uint256[] memory indices = new uint256[](1);
            indices[0] = index;
            (asset, value) = (ETH, _queue.feesOf(indices));
        }
        emit PulledBack(index, sender, asset, value);
        _pay(asset, sender, value);
    }

    /// @inheritdoc IBridge
    function withdrawFees(AssetId asset, address recipient) external nonReentrant returns (uint256 value) {
        value = feesOwed[msg.sender][asset];
        if (value == 0) revert ZeroValue();
        feesOwed[msg.sender][asset] = 0;
        emit FeesWithdrawn(msg.sender, asset, recipient, value);
        _pay(asset, recipient, value);
    }

    /// @inheritdoc IBridge
    function listAsset(AssetId asset, address token, uint128 cap) external onlyOwner whileRunning {
        if (asset == NO_ASSET || asset == ETH) revert AssetReserved(asset);
        if (token.code.length == 0) revert NotAToken(token);
        if (isListed(asset) || assetOf[token] != NO_ASSET) revert AssetTaken(asset, token);
        assets[asset].token = token;
        assets[asset].cap = cap;
        assetOf[token] = asset;
        emit AssetListed(asset, token, cap);
    }

    /// @inheritdoc IBridge
    function setCap(AssetId asset, uint128 cap) external onlyOwner whileRunning {
        if (!isListed(asset)) revert AssetUnlisted(asset);
        assets[asset].cap = cap;
        emit CapSet(asset, cap);
    }

    /// @inheritdoc IBridge
    function pauseDeposits(uint64 blocks) external onlyOwner whileRunning {
        Pause memory last = lastPause;
        uint64 untilBlock = Pauses.begin(last.fromBlock, last.untilBlock, blocks, _rollup.parameters().freezeTime);
        lastPause = Pause({fromBlock: uint64(block.number), untilBlock: untilBlock});
        emit DepositsPaused(untilBlock);
    }

    /// @inheritdoc IBridge
    function resumeDeposits() external onlyOwner whileRunning {
        if (block.number > lastPause.untilBlock) revert DepositsNotPaused();
        lastPause.untilBlock = uint64(block.number) - 1;
        emit DepositsResumed();
    }

    /// @inheritdoc IBridge
    function rollup() external view returns (address) {
        return address(_rollup);
    }

    /// @inheritdoc IBridge
    function queue() external view returns (address) {
        return address(_queue);
    }

    /// @inheritdoc IBridge
    function exit() external view returns (address) {
        return address(_exit);
    }

    /// @inheritdoc IBridge
    function isPulledBack(uint256 index) external view returns (bool) {
        return _pulledBack[index >> 8] & (1 << (index & 0xff)) != 0;
    }

    /// @inheritdoc IBridge
    function isClaimed(EpochId epoch, uint256 lane) external view returns (bool) {
        (uint256 word, uint256 bit) = _claimBit(epoch, lane);
        return _claimed[word] & bit != 0;
    }

    /// @inheritdoc IBridge
    function isListed(AssetId asset) public view returns (bool) {
        return asset == ETH || assets[asset].token != address(0);
    }

    /// @dev Only under the lock: the balance taken before stays true over the calls.
    // slither-disable-next-line reentrancy-balance
    function _depositToken(AssetId asset, IERC20 token, uint256 value, uint256 notePartial, bytes calldata ciphertext)
        private
        returns (uint256 index)
    {
        uint256 before = token.balanceOf(address(this));
        uint256 liabilities = assets[asset].liabilities;
        if (before < liabilities) revert VaultBelowLiabilities(asset, before, liabilities);
        index = _enqueue(asset, value, notePartial, ciphertext);
        token.safeTransferFrom(msg.sender, address(this), value);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != value) revert TransferMismatch(value, received);
    }

    function _enqueue(AssetId asset, uint256 value, uint256 notePartial, bytes calldata ciphertext)
        private
        whileRunning
        returns (uint256 index)
    {
        uint64 pausedUntil = lastPause.untilBlock;
        if (block.number <= pausedUntil) revert DepositsArePaused(pausedUntil);
        if (value == 0) revert ZeroValue();
        if (value >= VALUE_BOUND) revert ValueTooLarge(value);
        if (notePartial >= FIELD_MODULUS) revert NonCanonicalField();
        if (ciphertext.length != CIPHERTEXT_BYTES) revert WrongCiphertextLength(CIPHERTEXT_BYTES, ciphertext.length);
        Asset storage held = assets[asset];
        (uint256 liabilities, uint256 cap) = (held.liabilities + value, held.cap);
        if (liabilities > cap) revert CapExceeded(asset, liabilities, cap);
        held.liabilities = uint128(liabilities);
        index = _queue.enqueueDeposit(msg.sender, asset, uint128(value), notePartial, ciphertext);
    }

    function _pay(AssetId asset, address recipient, uint256 value) private {
        Asset storage held = assets[asset];
        uint256 liabilities = held.liabilities;
        // Proofs already bound what leaves by what came in; should a circuit fail, it cannot take what other assets are owed.
        if (value > liabilities) revert VaultBelowLiabilities(asset, liabilities, value);
        held.liabilities = uint128(liabilities - value);
        if (asset == ETH) {
            if (!LowLevelCall.callNoReturn(recipient, value, "")) revert PaymentFailed(recipient, value);
            return;
        }
        IERC20 token = _tokenOf(asset);
        uint256 before = token.balanceOf(address(this));
        token.safeTransfer(recipient, value);
        uint256 remaining = token.balanceOf(address(this));
        if (remaining + value < before) revert TransferMismatch(value, before - remaining);
    }

    function _tokenOf(AssetId asset) private view returns (IERC20) {
        address token = assets[asset].token;
        if (token == address(0)) revert AssetUnlisted(asset);
        return IERC20(token);
    }

    function _claimBit(EpochId epoch, uint256 lane) private pure returns (uint256 word, uint256 bit) {
        uint256 index = uint256(EpochId.unwrap(epoch)) * Withdrawals.MAX_LANES + lane;
        return (index >> 8, 1 << (index & 0xff));
    }
}
