import Checkout
import Foundation
import Testing

/// The scripts of experiments/nodes, each with stand-ins of the tools that it drives: what they are asked for, in order.
@Suite struct NodeScriptTests {
    struct Case: Sendable {
        var script: String
        var providerID = ""
        var off: [String]
        var on: [String]
    }

    private static let asked = "kubectl get node n1 -o jsonpath={.spec.providerID}"
    private static let cases = [
        Case(
            script: "aks",
            providerID:
                "azure:///subscriptions/s1/resourceGroups/g1/providers/Microsoft.Compute/virtualMachineScaleSets/v1/virtualMachines/7",
            off: [asked, "az vmss stop --skip-shutdown --subscription s1 --resource-group g1 --name v1 --instance-ids 7"],
            on: [asked, "az vmss start --subscription s1 --resource-group g1 --name v1 --instance-ids 7"]),
        Case(
            script: "eks", providerID: "aws:///eu-west-1a/i-1",
            off: [
                asked,
                "aws --region eu-west-1 autoscaling describe-auto-scaling-instances --instance-ids i-1 --query AutoScalingInstances[0].AutoScalingGroupName --output text",
                "aws --region eu-west-1 autoscaling suspend-processes --auto-scaling-group-name group1 --scaling-processes HealthCheck ReplaceUnhealthy",
                "aws --region eu-west-1 ec2 stop-instances --force --instance-ids i-1",
            ],
            on: [
                asked,
                "aws --region eu-west-1 autoscaling describe-auto-scaling-instances --instance-ids i-1 --query AutoScalingInstances[0].AutoScalingGroupName --output text",
                "aws --region eu-west-1 ec2 wait instance-stopped --instance-ids i-1",
                "aws --region eu-west-1 ec2 start-instances --instance-ids i-1",
                "aws --region eu-west-1 ec2 wait instance-running --instance-ids i-1",
                "aws --region eu-west-1 autoscaling resume-processes --auto-scaling-group-name group1 --scaling-processes HealthCheck ReplaceUnhealthy",
            ]),
        Case(
            script: "gke", providerID: "gce://p1/europe-west1-b/vm1",
            off: [
                asked, "gcloud compute instances describe vm1 --project p1 --zone europe-west1-b --format json",
                "gcloud compute instance-groups managed stop-instances group1 --project p1 --zone europe-west1-b --instances vm1 --force",
            ],
            on: [
                asked, "gcloud compute instances describe vm1 --project p1 --zone europe-west1-b --format json",
                "gcloud compute instance-groups managed start-instances group1 --project p1 --zone europe-west1-b --instances vm1",
            ]),
        Case(
            script: "vsphere", providerID: "vsphere://42-43", off: [asked, "govc vm.power -off -force -vm.uuid 42-43"],
            on: [asked, "govc vm.power -on -vm.uuid 42-43"]),
        Case(script: "kind", off: ["docker kill n1"], on: ["docker start n1"]),
        Case(
            script: "kubelet",
            off: [
                "kubectl --namespace kube-system delete pod aftershock-kubelet-n1 --ignore-not-found",
                "kubectl --namespace kube-system create -f -",
            ],
            on: [
                "kubectl wait --for=condition=Ready node/n1 --timeout=360s",
                "kubectl --namespace kube-system delete pod aftershock-kubelet-n1 --ignore-not-found --wait=false",
            ]),
    ]

    @Test(arguments: cases)
    func itAsksForPowerOffAndOn(_ one: Case) throws {
        try Self.withTools(providerID: one.providerID) { run in
            let (off, on) = (try run(one.script, "off", [:]), try run(one.script, "on", [:]))
            #expect(off == one.off)
            #expect(on == one.on)
        }
    }

    /// A remedy may have deleted the Node object: the undo must know the machine all the same.
    @Test func aNodeThatIsNoLongerThereIsRemembered() throws {
        let id = "aws:///eu-west-1a/i-1"
        try Self.withTools(providerID: id) { run in
            _ = try run("eks", "off", [:])
            let on = try run("eks", "on", ["PROVIDER_ID": "gone"])
            #expect(on.contains("aws --region eu-west-1 ec2 start-instances --instance-ids i-1"), "\(on)")
        }
    }

    /// Every tool writes down what it is asked, and answers what the scripts read from it.
    private static let tool = """
        #!/bin/sh
        echo "${0##*/} $*" >>"$ASKED"
        case "${0##*/} $*" in
        *providerID*) [ "$PROVIDER_ID" != gone ] || exit 1; printf %s "$PROVIDER_ID" ;;
        *describe-auto-scaling-instances*) echo group1 ;;
        *"instances describe"*) echo '{"metadata": {"items": [{"key": "created-by", "value": "projects/p1/zones/z/instanceGroupManagers/group1"}]}}' ;;
        esac
        """

    private static func withTools(
        providerID: String, _ body: (_ run: (String, String, [String: String]) throws -> [String]) throws -> Void
    ) throws {
        let names = ["kubectl", "az", "aws", "gcloud", "govc", "docker"]
        try ScriptTools.with(.init(uniqueKeysWithValues: names.map { ($0, tool) })) { tools in
            try body { script, action, more in
                try tools.forget()
                let variables = ["PROVIDER_ID": providerID, "AFTERSHOCK_NODES": tools.folder.path + "/state"]
                let code = try tools.run("experiments/nodes/\(script)", [action, "n1"], variables.merging(more) { $1 })
                #expect(code == 0)
                return try tools.asked
            }
        }
    }
}
