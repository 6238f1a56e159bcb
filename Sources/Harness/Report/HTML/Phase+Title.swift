import Verdict

extension Phase.Name {
    /// The phase's title for readers.
    var title: String {
        switch self {
        case .beforeFault: "before the fault"
        case .noticed: "noticed"
        case .oldPodGone: "old pod gone"
        case .oldContainerGone: "old container gone"
        case .scheduled: "scheduled"
        case .volumeAttached: "volume attached"
        case .containerStarted: "container started"
        case .tcpOpen: "TCP open"
        case .loginAccepted: "login accepted"
        case .databaseOnline: "database online"
        case .firstQuery: "first query"
        case .firstWrite: "first write"
        case .unobserved: "unobserved"
        case .otherOutages: "other outages"
        case .notRecovered: "not recovered"
        }
    }
}
